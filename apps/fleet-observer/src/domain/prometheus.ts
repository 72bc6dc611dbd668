/** One sample of Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const maxSamples = 20_000;

const namePart = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const labelPart = /^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|(?=\}))/;
const valuePart = /^\s*([^\s#]+)(?:\s+-?\d+(?:\.\d+)?)?\s*(?:#.*)?$/;
const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * Reads Prometheus' text format 0.0.4, and what OpenMetrics adds to a sample's line. Never throws: lines that are no
 * sample are counted as malformed, and reading ends after 20,000 samples.
 */
export function parsePrometheus(text: string): { samples: Sample[]; malformed: number } {
  const samples: Sample[] = [];
  let malformed = 0;
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const sample = parseSample(trimmed);
    if (sample === undefined) malformed += 1;
    else if (samples.push(sample) >= maxSamples) break;
  }
  return { samples, malformed };
}

function parseSample(line: string): Sample | undefined {
  const name = namePart.exec(line)?.[0];
  if (name === undefined) return undefined;
  let rest = line.slice(name.length);
  const opening = /^\s*\{/.exec(rest)?.[0];
  // Without labels a space must stand between name and value.
  if (opening === undefined && !/^\s/.test(rest)) return undefined;
  let labels: Record<string, string> = {};
  if (opening !== undefined) {
    const parsed = parseLabels(rest.slice(opening.length));
    if (parsed === undefined) return undefined;
    ({ labels, rest } = parsed);
  }
  const value = parseValue(valuePart.exec(rest)?.[1]);
  return value === undefined ? undefined : { name, labels, value };
}

/** Reads labels up to the closing brace; answers them and what follows. */
function parseLabels(text: string): { labels: Record<string, string>; rest: string } | undefined {
  const labels = new Map<string, string>();
  let rest = text;
  for (;;) {
    const closing = /^\s*\}/.exec(rest)?.[0];
    if (closing !== undefined) return { labels: Object.fromEntries(labels), rest: rest.slice(closing.length) };
    const match = labelPart.exec(rest);
    if (match === null) return undefined;
    labels.set(match[1] ?? '', unescaped(match[2] ?? ''));
    rest = rest.slice(match[0].length);
  }
}

function unescaped(value: string): string {
  return value.replaceAll(/\\(.)/g, (escape, character: string) =>
    character === 'n' ? '\n' : character === '\\' || character === '"' ? character : escape,
  );
}

function parseValue(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (decimal.test(text)) return Number(text);
  switch (text.toLowerCase()) {
    case 'nan':
      return Number.NaN;
    case 'inf':
    case '+inf':
      return Number.POSITIVE_INFINITY;
    case '-inf':
      return Number.NEGATIVE_INFINITY;
    default:
      return undefined;
  }
}
