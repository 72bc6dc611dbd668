/** A thousand readers in one process, each with a connection of its own: of the change stream, or of a NATS subject. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { openBus, type Bus } from './bus.js';
import { nowMs, type Times } from './watching.js';

export interface ReadOptions {
  readers: number;
  /** Events that each reader gets. */
  events: number;
  from: { changes: string; token: string } | { bus: Bus; subject: string };
}

/** How many connect at once: the gateway looks each token up. */
const atOnce = 25;

/** Connects all readers; what it answers resolves when all have all, with the time at which each event had reached all. */
export async function prepareRead({ readers, events, from }: ReadOptions): Promise<() => Promise<Times>> {
  const times: Times = [];
  const reached = new Array<number>(events).fill(0);
  const { promise: done, resolve, reject } = Promise.withResolvers<Times>();
  /** A reader's: to be called at each event that it gets. */
  const counter = () => {
    let had = 0;
    return () => {
      const all = (reached[had] ?? NaN) + 1;
      reached[had] = all;
      had += 1;
      if (Number.isNaN(all)) reject(new Error('a reader got more than it asked for'));
      if (all === readers) times.push(nowMs());
      if (times.length === events) resolve(times);
    };
  };
  const connect = () => ('changes' in from ? readChanges(from, counter(), reject) : subscribe(from, counter()));
  for (let n = 0; n < readers; n += atOnce) await Promise.all(Array.from({ length: Math.min(atOnce, readers - n) }, connect));
  return () => done;
}

/** Reads server-sent events until the process ends, and hands on each change as it came; resolves when the first event, a sign of life, is there. */
export async function readChanges(
  { changes, token }: { changes: string; token: string },
  onChange: (frame: string) => void,
  onEnd: (error: Error) => void,
): Promise<void> {
  const asked = request(changes, { agent: false, headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' } });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  if (answer.statusCode !== 200) throw new Error(`the change stream was answered with ${String(answer.statusCode)}`);
  answer.setEncoding('utf8');
  let begun = '';
  const alive = Promise.withResolvers<undefined>();
  answer.on('data', (text: string) => {
    const frames = (begun + text).split('\n\n');
    begun = frames.pop() ?? '';
    for (const frame of frames) {
      if (frame.includes('event: change')) onChange(frame);
      else if (frame.includes('event: heartbeat')) alive.resolve(undefined);
    }
  });
  answer.once('close', () => {
    onEnd(new Error('a change stream has ended'));
  });
  await alive.promise;
}

async function subscribe({ bus, subject }: { bus: Bus; subject: string }, onMessage: () => void): Promise<void> {
  const { connection } = await openBus(bus, { readOnly: true });
  if (connection === undefined) throw new Error('NATS has gone');
  connection.subscribe(subject, { callback: onMessage });
  await connection.flush();
}
