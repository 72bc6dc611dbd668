import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readEvents, type SseEvent } from './sse.js';

async function read(chunks: readonly Uint8Array[]): Promise<SseEvent[]> {
  const body = (async function* () {
    await Promise.resolve();
    yield* chunks;
  })();
  const events: SseEvent[] = [];
  for await (const event of readEvents(body)) events.push(event);
  return events;
}

const readText = (text: string) => read([Buffer.from(text)]);

describe('readEvents', () => {
  it('reads ids, types and data of several lines, and leaves out comments', async () => {
    const events = await readText(
      'retry: 1000\n\n: hello\nid: 7\nevent: job_queued\ndata: {"a":\ndata: 1}\n\n: beat\n\nid: 8\ndata: x\n\n',
    );
    expect(events).toEqual([
      { id: '7', type: 'job_queued', data: '{"a":\n1}' },
      { id: '8', type: 'message', data: 'x' },
    ]);
  });

  it('keeps the last id for events without one, takes every line end, drops what is cut off', async () => {
    expect(await readText('id:1\r\ndata:a\r\n\r\ndata: b\r\rdata\n\ndata: cut')).toEqual([
      { id: '1', type: 'message', data: 'a' },
      { id: '1', type: 'message', data: 'b' },
      { id: '1', type: 'message', data: '' },
    ]);
  });

  it('reads the same however the bytes are split', async () => {
    const field = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replaceAll(/[\r\n\0]/g, ' '));
    const sent = fc.array(
      fc.record({
        id: fc.nat().map(String),
        type: fc.constantFrom('job_queued', 'step_started'),
        lines: fc.array(field, { minLength: 1, maxLength: 3 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(sent, fc.constantFrom('\n', '\r', '\r\n'), fc.array(fc.nat(20)), async (events, end, cuts) => {
        const lines = events.flatMap(({ id, type, lines: data }) => [
          `id: ${id}`,
          `event: ${type}`,
          ...data.map((line) => `data: ${line}`),
          '',
        ]);
        const bytes = Buffer.from(lines.map((line) => line + end).join(''));
        const chunks: Uint8Array[] = [];
        let rest: Uint8Array = bytes;
        for (const cut of [...cuts, bytes.length]) {
          chunks.push(rest.subarray(0, cut));
          rest = rest.subarray(cut);
        }
        expect(await read(chunks)).toEqual(events.map(({ id, type, lines: data }) => ({ id, type, data: data.join('\n') })));
      }),
    );
  });

  it('refuses an event without bound', async () => {
    await expect(readText(`data: ${'x'.repeat(1_100_000)}`)).rejects.toThrow('too long');
    await expect(readText(`data: ${'x'.repeat(600_000)}\ndata: ${'x'.repeat(600_000)}\n`)).rejects.toThrow('too long');
  });
});
