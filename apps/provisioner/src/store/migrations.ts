import type { MigrationClass } from '@fairlead/postgres';
import { Command1763700000000 } from './migrations/1763700000000-command.js';

/** The schema's migrations, oldest first. */
export const migrations: readonly MigrationClass[] = [Command1763700000000];
