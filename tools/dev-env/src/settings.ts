/** The settings of the scripts that run once: for the database, and to register the simulated fleet. */
import { field } from '@fairlead/config';
import { controlPlaneServices, type ControlPlaneService } from '@fairlead/contracts';
import { schemaOf } from '@fairlead/postgres';
import { z } from 'zod';

/** Access to the database as its superuser. */
export const databaseAccessSchema = z.object({
  ADMIN_DATABASE_URL: field.url('postgres', 'postgresql'),
  ADMIN_DATABASE_PASSWORD: field.text(),
  DATABASE_NAME: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'not a database name')
    .default('fairlead'),
});

/** Variable with the password a service's role gets, such as DATABASE_PASSWORD_JOB_ORCHESTRATOR. */
export const passwordVariable = (service: ControlPlaneService) => `DATABASE_PASSWORD_${schemaOf(service).toUpperCase()}`;

/** The passwords of the services' roles. */
export const databasePasswordsSchema = z.object(
  Object.fromEntries(controlPlaneServices.map((service) => [passwordVariable(service), field.text()])),
);

export const registerFleetSchema = z.object({
  /** The gateway. */
  FAIRLEAD_URL: field.url('http', 'https'),
  /** The simulated fleet's control server. */
  SIM_URL: field.url('http', 'https'),
  /** The key of `service:bootstrap`. */
  SERVICE_KEY: field.text(),
});
