import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const defaultPort = 7400;

export interface RunOptions {
  /** Of the HTTP API, on 127.0.0.1. */
  readonly port: number;
  readonly stateDir: string;
  /** Each service in a process of its own. */
  readonly separate: boolean;
  /** With the simulated fleet and its load. */
  readonly sim: boolean;
  /** With a VictoriaMetrics that scrapes the services and the fleet. */
  readonly metrics: boolean;
  /** Services speak mutual TLS with each other and with NATS. */
  readonly tls: boolean;
}

/** What a command line asks for, or what is wrong with it. */
export type Parsed = { want: 'run'; options: RunOptions } | { want: 'help' } | { want: 'error'; message: string };

export const usage = `npm start [-- options]
  Sets up what is missing and starts Fairlead on this machine: PostgreSQL, NATS, the six services and a simulated
  fleet with its load. Ctrl-C stops everything; what was stored is there at the next start.

  --port N       port of the HTTP API on 127.0.0.1 (default ${String(defaultPort)}; 0 takes any free one)
  --state DIR    folder for data, keys and logs (default .fairlead in the project)
  --separate     each service in a process of its own, restarted when it ends
  --no-sim       without the simulated fleet
  --no-metrics   without VictoriaMetrics, which else scrapes the services and the fleet where it can be had
  --tls          mutual TLS between the services and with NATS, by a CA and certificates that are made in the folder
  --help         this text

  NATS_URL (and NATS_USER, NATS_TOKEN or NATS_TOKEN_FILE) in the environment or in .env: use that server instead of a local one.
  VICTORIA_METRICS_URL: the same for VictoriaMetrics.
  All settings: .env.example`;

/**
 * Reads the arguments of npm start.
 * @param root the project's folder, for the default state folder
 * @param cwd what a relative --state is relative to
 */
export function parseOptions(args: readonly string[], { root, cwd }: { root: string; cwd: string }): Parsed {
  try {
    const { values } = parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        port: { type: 'string' },
        state: { type: 'string' },
        separate: { type: 'boolean', default: false },
        'no-sim': { type: 'boolean', default: false },
        'no-metrics': { type: 'boolean', default: false },
        tls: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return { want: 'help' };
    const port = values.port === undefined ? defaultPort : portOf(values.port);
    if (port === undefined) return { want: 'error', message: `--port must be a number from 0 to 65535, not "${values.port ?? ''}"` };
    if (values.state === '') return { want: 'error', message: '--state needs a folder' };
    const stateDir = values.state === undefined ? resolve(root, '.fairlead') : resolve(cwd, values.state);
    const parts = { separate: values.separate, sim: !values['no-sim'], metrics: !values['no-metrics'], tls: values.tls };
    return { want: 'run', options: { port, stateDir, ...parts } };
  } catch (error) {
    // Node's message names the option; what follows the first sentence is advice for other programs.
    return { want: 'error', message: (error as Error).message.split('. ')[0] ?? '' };
  }
}

function portOf(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  return port <= 65_535 ? port : undefined;
}
