import { runCli } from './program.js';
import { processTerminal } from './terminal.js';

// `fairlead … | head` closes the pipe: that is not an error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});
process.exitCode = await runCli(process.argv.slice(2), processTerminal());
