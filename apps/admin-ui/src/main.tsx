import { QueryClientProvider } from '@tanstack/react-query';
import I18nProvider from '@cloudscape-design/components/i18n';
import messages from '@cloudscape-design/components/i18n/messages/all.en';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './base.css';
import { session } from './api/gateway.js';
import { App } from './app.js';
import { queryClient } from './cache.js';
import { followColorScheme } from './color-scheme.js';

followColorScheme();
// An issuer sends the browser back to an address of its own, which is good once and stays in no history.
const [, issuer] = /^\/sign-in\/([a-z0-9-]+)$/.exec(window.location.pathname) ?? [];
if (issuer === undefined) void session.start();
else {
  const answer = new URLSearchParams(window.location.search);
  window.history.replaceState(null, '', '/');
  void session.comeBack(issuer, answer);
}

const element = document.getElementById('root');
if (element === null) throw new Error('the page has no root');
createRoot(element).render(
  <StrictMode>
    <I18nProvider locale="en" messages={[messages]}>
      <QueryClientProvider client={queryClient}>
        <App />
      </QueryClientProvider>
    </I18nProvider>
  </StrictMode>,
);
