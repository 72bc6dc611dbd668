/** Metrics as services tell them, and as docs/instrumentation.md lists them. */

/** What one `/metrics` holds. */
export interface MetricsText {
  /** Every metric by its name, also one without a value. */
  readonly metrics: ReadonlyMap<string, { readonly type: string; readonly labels: ReadonlyMap<string, ReadonlySet<string>> }>;
}

const typeLine = /^# TYPE (\S+) (\S+)$/;
const sampleLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/;
const labelPair = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads Prometheus' text, as prom-client writes it: a metric's type stands before its samples. Throws on a line that is neither. */
export function readMetrics(text: string): MetricsText {
  const metrics = new Map<string, { type: string; labels: Map<string, Set<string>> }>();
  for (const line of text.split('\n')) {
    const [, declared, type] = typeLine.exec(line) ?? [];
    if (declared !== undefined) metrics.set(declared, { type: type ?? '', labels: new Map() });
    if (line === '' || line.startsWith('#')) continue;
    const [, name = '', labels = ''] = sampleLine.exec(line) ?? [];
    const metric = metrics.get(name) ?? metrics.get(name.replace(/_(bucket|sum|count)$/, ''));
    if (metric === undefined) throw new Error(`a sample of no declared metric: ${line}`);
    for (const [, label = '', value = ''] of labels.matchAll(labelPair)) {
      metric.labels.set(label, (metric.labels.get(label) ?? new Set()).add(value));
    }
  }
  return { metrics };
}

/** The rows of a section's first table, each cell without its backquotes; cells that list several are told as one text. */
export function tableOf(document: string, section: string): string[][] {
  const [, after] = document.split(new RegExp(`^#+ ${section}$`, 'm'));
  const body = after?.split(/^#+ /m)[0] ?? '';
  const rows = body.split('\n').filter((line) => line.startsWith('|'));
  if (rows.length < 3) throw new Error(`the section ${section} has no table`);
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}
