import pg from 'pg';

/**
 * Opens connections to a server that ends with its bench. A connection nobody uses that the server closes is no fault: who
 * asks next is told.
 */
export function openPool(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, max });
  pool.on('error', () => undefined);
  return pool;
}
