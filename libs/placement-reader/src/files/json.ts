/** Where something stands in a text, from 1; columns count UTF-16 units, as editors and compilers do. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A text that is not usable JSON, and where. */
export class JsonFault extends Error {
  constructor(
    message: string,
    readonly place: Place,
  ) {
    super(message);
    this.name = 'JsonFault';
  }
}

/**
 * Reads JSON that people edit: beyond the syntax, no member may stand twice in one object, as the first would be ignored in
 * silence. Throws JsonFault.
 */
export function parseJson(text: string): unknown {
  new Scanner(text).document();
  return JSON.parse(text) as unknown;
}

/** The place of the member or element that a path leads to, in a text that parseJson takes; of the last one that is there. */
export function placeOf(text: string, path: readonly PropertyKey[]): Place {
  return placeAt(text, new Scanner(text).document(path));
}

function placeAt(text: string, offset: number): Place {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1 && end < offset; end = text.indexOf('\n', start)) {
    line += 1;
    start = end + 1;
  }
  return { line, column: offset - start + 1 };
}

const deepest = 64;
const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const escapePattern = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const whitespacePattern = /[ \t\r\n]*/y;
const words = ['true', 'false', 'null'];
const quote = 0x22;
const backslash = 0x5c;
const firstPrintable = 0x20;

/** Walks over a JSON text once, without making values. */
class Scanner {
  private at = 0;
  private depth = 0;
  private found = 0;

  constructor(private readonly text: string) {}

  /** Walks over the whole text; returns the offset that a path leads to. Throws JsonFault. */
  document(path: readonly PropertyKey[] = []): number {
    this.skip(whitespacePattern);
    this.found = this.at;
    this.value(path);
    this.skip(whitespacePattern);
    if (this.at < this.text.length) this.fail('there is text after the end');
    return this.found;
  }

  /** `path`: what is left of the path looked for, when it leads through here. */
  private value(path: readonly PropertyKey[] | undefined): void {
    const start = this.text[this.at];
    if (start === '{') {
      this.items('}', (seen) => {
        this.member(path, seen);
      });
    } else if (start === '[') {
      this.items(']', (_, index) => {
        this.inner(path, index, this.at);
      });
    } else if (start === '"') this.string();
    else if (!this.skip(numberPattern) && !this.word()) this.fail('a value is expected');
  }

  private items(end: '}' | ']', item: (seen: Set<string>, index: number) => void): void {
    if (++this.depth > deepest) this.fail(`nested deeper than ${String(deepest)}`);
    this.at += 1;
    this.skip(whitespacePattern);
    const seen = new Set<string>();
    for (let index = 0; this.text[this.at] !== end; index++) {
      if (index > 0) {
        if (this.text[this.at] !== ',') this.fail(`',' or '${end}' is expected`);
        this.at += 1;
        this.skip(whitespacePattern);
      }
      item(seen, index);
      this.skip(whitespacePattern);
    }
    this.at += 1;
    this.depth -= 1;
  }

  private member(path: readonly PropertyKey[] | undefined, seen: Set<string>): void {
    const start = this.at;
    if (this.text[start] !== '"') this.fail('a member name in double quotes is expected');
    const name = this.string();
    // Lost on the way into an object.
    if (name === '__proto__') this.fail('a member can not be called __proto__', start);
    if (seen.has(name)) this.fail(`"${name}" stands twice`, start);
    seen.add(name);
    this.skip(whitespacePattern);
    if (this.text[this.at] !== ':') this.fail("':' is expected");
    this.at += 1;
    this.skip(whitespacePattern);
    this.inner(path, name, start);
  }

  private inner(path: readonly PropertyKey[] | undefined, name: PropertyKey, start: number): void {
    const leads = path !== undefined && path[0] === name;
    if (leads) this.found = start;
    this.value(leads ? path.slice(1) : undefined);
  }

  private string(): string {
    const start = this.at;
    let escaped = false;
    this.at += 1;
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code === quote) break;
      if (code === backslash) {
        escaped = true;
        if (!this.skip(escapePattern)) this.fail('an unknown escape in a string');
      } else if (code >= firstPrintable) this.at += 1;
      else if (Number.isNaN(code)) this.fail('a string does not end', start);
      else this.fail('a string does not end on its line', start);
    }
    this.at += 1;
    return escaped ? (JSON.parse(this.text.slice(start, this.at)) as string) : this.text.slice(start + 1, this.at - 1);
  }

  private word(): boolean {
    const word = words.find((known) => this.text.startsWith(known, this.at));
    this.at += word?.length ?? 0;
    return word !== undefined;
  }

  /** Goes over what the pattern takes; true when that is something. */
  private skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const length = pattern.exec(this.text)?.[0].length ?? 0;
    this.at += length;
    return length > 0;
  }

  private fail(message: string, offset = this.at): never {
    if (offset >= this.text.length) throw new JsonFault('the file ends too early', placeAt(this.text, this.text.length));
    throw new JsonFault(message, placeAt(this.text, offset));
  }
}
