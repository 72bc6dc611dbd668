/** What each service may do on NATS by its certificate: the table, pair by pair, on a real server; and what it is for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { controlPlaneServices, natsAccess, natsInbox } from '@fairlead/contracts';
import { natsAccountsFile } from '@fairlead/dev-env';
import { eventually } from '@fairlead/testing';
import { covers, natsGround, type NatsGround, type User } from './nats-ground.js';
import { root } from './repository.js';

const users: readonly User[] = [...controlPlaneServices, 'fleet'];
const rights = natsAccess('');
/** A subject that a pattern stands for. */
const sampleOf = (pattern: string) => pattern.replaceAll('*', 'x').replace(/>$/, 'x.y.z');
/** What somebody who took a service's place would like to do, beyond what the table knows. */
const wishes = [
  '$JS.API.STREAM.DELETE.DEAD',
  '$JS.API.STREAM.DELETE.RETRY',
  '$JS.API.STREAM.PURGE.EVT',
  '$JS.API.STREAM.PURGE.DEAD',
  '$JS.API.STREAM.CREATE.MINE',
  '$JS.API.STREAM.RESTORE.EVT',
  '$JS.API.STREAM.SNAPSHOT.EVT',
  '$JS.API.STREAM.MSG.DELETE.EVT',
  '$JS.API.STREAM.MSG.DELETE.KV_PLACEMENT',
  '$JS.API.CONSUMER.CREATE.EVT',
  '$JS.API.CONSUMER.CREATE.RETRY.x',
  '$JS.API.CONSUMER.DURABLE.CREATE.EVT.x',
  '$JS.API.CONSUMER.DELETE.RETRY.fleet-observer',
  '$JS.API.CONSUMER.CREATE.KV_PLACEMENT.x',
  '$JS.API.ACCOUNT.PURGE.FAIRLEAD',
  '$JS.API.INFO',
  '$SYS.REQ.SERVER.PING',
  'dead.audit',
  'anything',
  ...controlPlaneServices.map((service) => `${natsInbox(service)}.of.somebody`),
];
const subjects = [...new Set([...rights.flatMap(({ subject, except = [] }) => [sampleOf(subject), ...except]), ...wishes])];
const mayPublish = (user: User, subject: string) =>
  rights.some(({ publish, subject: pattern }) => publish?.includes(user) === true && covers(pattern, subject)) &&
  !rights.some(({ publish, except }) => publish?.includes(user) === true && except?.includes(subject) === true);

let ground: NatsGround;
beforeAll(async () => {
  ground = await natsGround();
});
afterAll(() => ground.stop());

describe('the table of rights', () => {
  it('is what the stacks are deployed with', () => {
    expect(readFileSync(join(root, 'deploy/swarm/nats.accounts.conf'), 'utf8')).toBe(natsAccountsFile());
  });

  it('lets nobody but its owner write a stream', () => {
    const writers = (subject: string) => users.filter((user) => mayPublish(user, subject));
    expect(writers('evt.tenant.acme.made')).toEqual(['audit']);
    expect(writers('retry.fleet-observer')).toEqual(['audit']);
    expect(writers('dead.fleet-observer')).toEqual(['fleet-observer']);
    expect(writers('$KV.PLACEMENT.marker')).toEqual(['placement']);
    expect(writers('$JS.API.STREAM.DELETE.EVT')).toEqual(['audit']);
    expect(writers('$JS.API.STREAM.DELETE.KV_PLACEMENT')).toEqual(['placement']);
    expect(wishes.flatMap(writers)).toEqual([]);
  });
});

describe.each(users)('the certificate of %s', (user) => {
  it('may publish what the table says, and nothing else', async () => {
    const { connection, refused } = await ground.intruder(user);
    for (const subject of [...subjects, 'the.last']) connection.publish(subject, '');
    // Refusals come in their order.
    await eventually(() => refused.delete('the.last'), { what: 'the refusals' });
    const expected = subjects.filter((subject) => !mayPublish(user, subject));
    expect([...refused].sort()).toEqual(expected.sort());
    expect(expected.length).toBeLessThan(subjects.length);
  });

  it('may subscribe to what the table says and to its own inboxes, and nothing else', async () => {
    const { connection } = await ground.intruder(user);
    const own = user === 'fleet' ? '_INBOX' : natsInbox(user);
    const inboxes = ['_INBOX', ...controlPlaneServices.map(natsInbox)].map((prefix) => `${prefix}.>`);
    const wanted = [...new Set([...rights.map(({ subject }) => subject), ...inboxes, '>', 'evt.>', 'poke.>', '$JS.API.>', '$SYS.>'])];
    const allowed = [`${own}.>`, ...rights.filter(({ subscribe }) => subscribe?.includes(user) === true).map(({ subject }) => subject)];
    const refused = new Set<string>();
    for (const subject of wanted)
      connection.subscribe(subject, {
        callback: (error) => {
          if (error !== null) refused.add(subject);
        },
      });
    await connection.flush();
    expect(wanted.filter((subject) => !refused.has(subject)).sort()).toEqual(wanted.filter((subject) => allowed.includes(subject)).sort());
  });
});
