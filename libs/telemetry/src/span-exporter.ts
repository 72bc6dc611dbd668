import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { Counter } from 'prom-client';
import type { Logger } from './logger.js';
import type { Registry } from './metrics.js';

/** How often a failing receiver is told of in the log. */
const tellEveryMs = 60_000;

/** Sends spans by OTLP/HTTP. What can not be sent is counted and thrown away, and said once a minute at most. */
export function createSpanExporter(options: {
  endpoint: string;
  headers?: Readonly<Record<string, string>> | undefined;
  timeoutMs: number;
  logger: Logger;
  registry?: Registry | undefined;
}): SpanExporter {
  const { endpoint, headers, timeoutMs, logger } = options;
  const otlp = new OTLPTraceExporter({ url: endpoint, headers: { ...headers }, timeoutMillis: timeoutMs, concurrencyLimit: 4 });
  const spans = new Counter({
    name: 'fairlead_trace_spans_total',
    help: 'Spans handed to the OTLP receiver, by whether it took them.',
    labelNames: ['outcome'],
    registers: options.registry === undefined ? [] : [options.registry],
  });
  let toldAtMs = -Infinity;

  function settle(batch: readonly ReadableSpan[], { code, error }: ExportResult): void {
    const failed = code !== ExportResultCode.SUCCESS;
    spans.inc({ outcome: failed ? 'lost' : 'sent' }, batch.length);
    if (!failed || performance.now() - toldAtMs < tellEveryMs) return;
    toldAtMs = performance.now();
    // The receiver's answer may quote what it was sent: its status is enough.
    const status: unknown = (error as { code?: unknown } | undefined)?.code;
    logger.warn({ spans: batch.length, status, reason: error?.name }, 'spans could not be sent to the OTLP receiver; they are lost');
  }

  return {
    export: (batch, done) => {
      otlp.export(batch, (result) => {
        settle(batch, result);
        // It was dealt with here; the SDK would only report it once more.
        done({ code: ExportResultCode.SUCCESS });
      });
    },
    forceFlush: () => otlp.forceFlush(),
    shutdown: () => otlp.shutdown(),
  };
}
