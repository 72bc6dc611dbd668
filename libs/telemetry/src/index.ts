export { boundedLabel, otherValues, tenantLabelValues, type BoundedLabel, type BoundedLabelOptions } from './bounded-label.js';
export * from './context.js';
export * from './logger.js';
export * from './metrics.js';
export { createTracing, noTracing, type ActiveSpan, type SpanAttributes, type SpanOptions, type Tracing } from './tracing.js';
