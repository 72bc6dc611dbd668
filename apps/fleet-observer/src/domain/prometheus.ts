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
 * sample are counted as malformed, and reading ends after 20,000 samples. With `wanted` nothing is read of other metrics'
 * lines but their names.
 */
export function parsePrometheus(text: string, wanted?: (name: string) => boolean): { samples: Sample[]; malformed: number } {
  const samples: Sample[] = [];
  let malformed = 0;
  for (let start = 0, end: number; start < text.length; start = end + 1) {
    end = text.indexOf('\n', start);
    if (end === -1) end = text.length;
    if (wanted !== undefined && !wanted(nameAt(text, start, end))) continue;
    const line = text.slice(start, end).trim();
    if (line === '' || line.startsWith('#')) continue;
    const sample = parseSample(line);
    if (sample === undefined) malformed += 1;
    else if (samples.push(sample) >= maxSamples) break;
  }
  return { samples, malformed };
}

/** What stands before a line's first brace or blank, after those that it begins with. */
function nameAt(text: string, start: number, end: number): string {
  let from = start;
  while (from < end && text.charCodeAt(from) <= 32) from += 1;
  let to = from;
  for (; to < end; to++) {
    const code = text.charCodeAt(to);
    if (code === 123 || code <= 32) break;
  }
  return text.slice(from, to);
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
