export { breakableLink, type BreakableLink } from './breakable-link.js';
export { findBrowser } from './browser.js';
export { testDatabase, type TestDatabase } from './database.js';
export { catalogueOf, testEvents, type TestEvents } from './events.js';
export { failpointBoard, type FailpointBoard } from './failpoints.js';
export { testMessaging, type TestMessaging } from './messaging.js';
export { testPostgres, type TestPostgres } from './postgres.js';
export {
  metricsAnswer,
  testMetricsAgent,
  testSettleMs,
  testVictoriaMetrics,
  victoriaMetricsProgram,
  type TestVictoriaMetrics,
} from './victoria-metrics.js';
export { recordServer, testFolder } from './run.js';
export { eventually, eventuallyHolds } from './eventually.js';
export { otlpReceiver, type OtlpReceiver, type ReceivedSpan } from './otlp-receiver.js';
