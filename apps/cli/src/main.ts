import { runCli } from './program.js';
import { processTerminal } from './terminal.js';

// `fairlead … | head` closes the pipe: that is not an error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});
// With nobody to tell, an error is not told.
process.stderr.on('error', () => undefined);
process.exitCode = await runCli(process.argv.slice(2), processTerminal());
