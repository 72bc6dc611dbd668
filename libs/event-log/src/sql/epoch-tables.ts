import { projectionNames } from './projections.js';

/** Tables of epochs in a service's schema at once. */
const mostTables = 200;

/**
 * What makes and drops the tables of epochs in a service's own schema, run as the schema's owner: the service itself can
 * neither make nor drop a table. An epoch's table is a copy of an empty one that a migration made, its shape; reads go
 * through a view of the table's name without the epoch.
 */
export function epochTablesSql(schema: string): string {
  const requireSound = (sound: string) => `
  if (${sound}) is distinct from true then
    raise exception 'an epoch, from 1 on, of a table whose name is of small letters, digits and _ is expected' using errcode = 'invalid_parameter_value';
  end if;`;
  const isName = (parameter: string) => `${parameter} ~ '${projectionNames}'`;
  return `
create or replace function ${schema}.make_epoch_table(name text, of_epoch int, shape text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin${requireSound(`${isName('name')} and of_epoch > 0 and ${isName('shape')}`)}
  if (select count(*) from pg_class c where c.relnamespace = '${schema}'::regnamespace and c.relkind = 'r' and c.relname ~ '_e[0-9]+$') >= ${String(mostTables)} then
    raise exception 'schema ${schema} has ${String(mostTables)} tables of epochs already' using errcode = 'program_limit_exceeded';
  end if;
  execute format('create table if not exists ${schema}.%I (like ${schema}.%I including all)', name || '_e' || of_epoch, shape);
end $$;

-- Without an epoch the name is served no more.
create or replace function ${schema}.serve_epoch_table(name text, of_epoch int) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin${requireSound(`${isName('name')} and coalesce(of_epoch, 1) > 0`)}
  execute format('drop view if exists ${schema}.%I', name);
  if of_epoch is null then
    return;
  end if;
  execute format('create view ${schema}.%I as select * from ${schema}.%I', name, name || '_e' || of_epoch);
end $$;

-- Refused by Postgres while the view reads from it.
create or replace function ${schema}.drop_epoch_table(name text, of_epoch int) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin${requireSound(`${isName('name')} and of_epoch > 0`)}
  execute format('drop table if exists ${schema}.%I', name || '_e' || of_epoch);
end $$;
`;
}
