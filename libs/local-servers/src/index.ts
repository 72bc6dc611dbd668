export { removePostgres, startPostgres, type PostgresOptions, type RunningPostgres } from './postgres.js';
export { startNats, type NatsOptions, type RunningNats } from './nats.js';
export { defaultNatsCacheDir, findNatsServer, type NatsBinary } from './nats-binary.js';
export { startVictoriaMetrics, type RunningVictoriaMetrics, type ScrapeTarget, type VictoriaMetricsOptions } from './victoria-metrics.js';
export { defaultVictoriaMetricsCacheDir, findVictoriaMetrics, type VictoriaMetricsPrograms } from './victoria-metrics-binaries.js';
export {
  commandOf,
  environmentOf,
  freePort,
  isAlive,
  portIsFree,
  portsChosenAhead,
  signalPid,
  startTimeOf,
  stopPid,
  tailOf,
  waitUntilGone,
} from './processes.js';
