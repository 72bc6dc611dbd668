import type { Logger as OrmLogger } from 'typeorm';
import type { Logger } from '@fairlead/telemetry';

/** TypeORM's own logger prints parameters, which may be secret; this one prints statements and errors alone. */
export function createOrmLogger(logger: Logger): OrmLogger {
  return {
    logQuery: () => undefined,
    logQueryError: (error, query) => {
      logger.debug({ err: error instanceof Error ? error.message : error, query: query.slice(0, 500) }, 'a statement failed');
    },
    logQuerySlow: (timeMs, query) => {
      logger.warn({ time_ms: timeMs, query: query.slice(0, 500) }, 'a statement was slow');
    },
    logSchemaBuild: () => undefined,
    logMigration: (message) => {
      logger.info(message);
    },
    log: (_level, message) => {
      logger.debug(String(message));
    },
  };
}
