/** The database of a stack, from its state folder. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlaneService } from '@fairlead/contracts';
import { openDatabase, roleOf, schemaOf, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';

/** Opens it as one of the stack's services, with that service's password and rights; the caller closes it. */
export function openStackDatabase(
  stateDir: string,
  service: ControlPlaneService,
  options: { applicationName: string; poolSize: number },
): Promise<Database> {
  const read = (name: string) => readFileSync(join(stateDir, name), 'utf8').trim();
  const { postgres } = JSON.parse(read('ports.json')) as { postgres: number };
  return openDatabase({
    url: `postgres://${roleOf(service)}@127.0.0.1:${String(postgres)}/fairlead`,
    password: read(`secrets/${service}.database-password`),
    schema: schemaOf(service),
    logger: createLogger({ service: 'test', level: 'silent' }),
    ...options,
  });
}

/** Opens it as Postgres' superuser, who may do what no service may; the caller closes it. */
export function openStackDatabaseAsAdmin(stateDir: string, service: ControlPlaneService): Promise<Database> {
  const read = (name: string) => readFileSync(join(stateDir, name), 'utf8').trim();
  const { postgres } = JSON.parse(read('ports.json')) as { postgres: number };
  return openDatabase({
    url: `postgres://postgres@127.0.0.1:${String(postgres)}/fairlead`,
    password: read('postgres/admin-password'),
    schema: schemaOf(service),
    logger: createLogger({ service: 'test', level: 'silent' }),
    applicationName: 'test-admin',
    poolSize: 1,
  });
}
