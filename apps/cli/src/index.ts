export { exitCodes, type ExitCode } from './exit.js';
export { runCli } from './program.js';
export type { Terminal } from './terminal.js';
