import { runCli } from './program.js';
import { processTerminal } from './terminal.js';

// `fairlead … | head` closes the pipe: that is not an error of ours. What the command had to say by its exit code it says still.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? process.exitCode : 1);
});
// With nobody to tell, an error is not told.
process.stderr.on('error', () => undefined);
process.exitCode = await runCli(process.argv.slice(2), processTerminal());
