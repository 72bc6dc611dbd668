import pg from 'pg';
import { isConnectionError, unavailableWhenLost } from './errors.js';
import type { Sql } from './sql.js';

/**
 * A connection of its own. Each statement is sent without waiting for the answer to the one before, runs after it, and is
 * a transaction of its own. Connects when it is first asked, and anew after the connection was lost; then all that were on
 * their way fail, and may have been run.
 */
export interface Pipeline extends Sql {
  readonly inOrder: true;
  /** Waits for what is on its way. */
  close(): Promise<void>;
}

/** Makes a pipeline to a database. */
export function openPipeline(config: pg.ClientConfig): Pipeline {
  let opened: Promise<pg.Client> | undefined;
  /** The client that `opened` is or will be. */
  let current: pg.Client | undefined;
  let closed = false;

  function client(): Promise<pg.Client> {
    if (closed) throw new Error('the pipeline is closed');
    opened ??= connect();
    return opened;
  }

  async function connect(): Promise<pg.Client> {
    const made = new pg.Client({ ...config, pipeline: true });
    // What was on its way fails with it. Unheard, an error would end the process.
    made.on('error', () => {
      forget(made);
    });
    made.on('end', () => {
      forget(made);
    });
    current = made;
    try {
      await made.connect();
    } catch (error) {
      forget(made);
      throw error;
    }
    return made;
  }

  /** The next statement connects anew; of what is on its way all is answered, or fails. */
  function forget(lost: pg.Client | undefined): void {
    if (lost === undefined || lost !== current) return;
    opened = undefined;
    current = undefined;
    void lost.end().catch(() => undefined);
  }

  return {
    inOrder: true,
    query: async <T>(text: string, params: readonly unknown[] = [], preparedAs?: string): Promise<T[]> => {
      let connection: pg.Client | undefined;
      try {
        // Always waited for, so that who comes first while it is opened is first.
        connection = await client();
        return (await connection.query({ name: preparedAs, text, values: [...params] })).rows as T[];
      } catch (error) {
        if (isConnectionError(error)) forget(connection);
        throw unavailableWhenLost(error);
      }
    },
    close: async () => {
      closed = true;
      const connection = await opened?.catch(() => undefined);
      await connection?.end();
    },
  };
}
