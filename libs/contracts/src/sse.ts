/** One server-sent event. */
export interface SseEvent {
  /** Where to go on after this event; the last one seen when the event brings none. */
  readonly id: string;
  /** `message` when the server named none. */
  readonly type: string;
  readonly data: string;
}

/** A longer event or line is not ours. */
const maxEventChars = 1_048_576;

/**
 * Reads a stream of server-sent events as the HTML standard has it: lines end in LF, CR or CRLF, a blank line ends
 * an event, comments and events without data are left out. Ends with the stream; what is cut off is dropped.
 * Throws for an event beyond 1 Mi characters. `onBytes` is called with every chunk, comments included.
 */
export async function* readEvents(body: AsyncIterable<Uint8Array>, onBytes: () => void = () => undefined): AsyncGenerator<SseEvent> {
  let [id, type, data, dataChars] = ['', '', [] as string[], 0];
  for await (const line of readLines(body, onBytes)) {
    if (line === '') {
      if (data.length > 0) yield { id, type: type === '' ? 'message' : type, data: data.join('\n') };
      [type, data, dataChars] = ['', [], 0];
      continue;
    }
    const [name, value] = fieldOf(line);
    if (name === 'data') data.push(value);
    else if (name === 'event') type = value;
    else if (name === 'id' && !value.includes('\0')) id = value;
    dataChars += line.length;
    if (dataChars > maxEventChars) throw new Error('an event of the stream is too long');
  }
}

/** A comment is a line with an empty name. */
function fieldOf(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  if (colon === -1) return [line, ''];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value];
}

async function* readLines(body: AsyncIterable<Uint8Array>, onBytes: () => void): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let endedInCr = false;
  for await (const chunk of body) {
    onBytes();
    const text = decoder.decode(chunk, { stream: true });
    if (text === '') continue;
    // A CR at the end of a chunk ended a line; an LF after it belongs to it.
    rest += endedInCr && text.startsWith('\n') ? text.slice(1) : text;
    endedInCr = text.endsWith('\r');
    const lines = rest.split(/\r\n|\n|\r/);
    rest = lines.pop() ?? '';
    if (rest.length > maxEventChars) throw new Error('a line of the stream is too long');
    yield* lines;
  }
}
