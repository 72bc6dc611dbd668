/**
 * Runs one statement with bound parameters ($1, $2, …) and answers its rows, also those of RETURNING. int8 comes as
 * number. A statement that is run all the time may be given a name: each connection then prepares it once.
 */
export interface Sql {
  query<T>(text: string, params?: readonly unknown[], preparedAs?: string): Promise<T[]>;
}
