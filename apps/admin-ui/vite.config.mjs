import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';

/** `npx vite` serves the sources and passes the API on to a running Fairlead. */
const gateway = process.env.FAIRLEAD_URL ?? 'http://127.0.0.1:7400';

export default defineConfig({
  plugins: [react()],
  resolve: { conditions: ['fairlead-source', ...defaultClientConditions] },
  build: {
    // Nothing inline: the content security policy takes files of this origin alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2_000,
  },
  server: { proxy: { '/admin': gateway, '/ready': gateway } },
});
