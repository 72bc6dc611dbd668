/** Two releases side by side: each runs the jobs whose definition it knows. */
import { describe, expect, it } from '@jest/globals';
import { eventuallyHolds } from '@fairlead/testing';
import { loadJob } from '../store/jobs.js';
import { boot, db, ended, engines, start } from './bench.fixture.js';
import { openable, step, toyKind, waitForAbort } from './toy.fixture.js';

describe('an upgrade', () => {
  it('lets jobs in flight end as they began, and new ones begin as they are now, on replicas that know them', async () => {
    const gate = openable();
    const ran: string[] = [];
    const version = (number: number) =>
      toyKind(
        ['first', `second-of-${String(number)}`].map((name) =>
          step(name, {
            run: async (context) => {
              const { tenant } = context.params;
              if (name === 'first' && tenant === 'held') await Promise.race([gate.opened, waitForAbort(context)]);
              ran.push(`${tenant}: ${name} by ${String(number)}`);
              return { outcome: 'done' };
            },
          }),
        ),
        { version: number },
      );
    const earlier = boot(version(1));
    const held = await start(earlier, 'held');
    await eventuallyHolds(
      async () => {
        expect((await loadJob(db, held.jobId))?.steps[0]?.status).toBe('running');
      },
      {
        what: 'the job to run',
      },
    );
    const queued = await start(earlier, 'held');

    // The new release knows both; the old one is there still.
    const now = boot([version(1), version(2)]);
    const fresh = await start(now, 'fresh');
    expect((await ended(fresh.jobId)).job.version).toBe(2);
    await engines.splice(0, 1)[0]?.stop();
    gate.open();
    for (const { jobId } of [held, queued]) expect((await ended(jobId)).job).toMatchObject({ version: 1, status: 'succeeded' });
    expect(ran.filter((line) => line.startsWith('fresh'))).toEqual(['fresh: first by 2', 'fresh: second-of-2 by 2']);
    expect(ran.filter((line) => line.startsWith('held: second'))).toEqual(['held: second-of-1 by 1', 'held: second-of-1 by 1']);
  });

  it('leaves jobs alone that a replica does not know, which hold nobody else up', async () => {
    const deps = boot(toyKind([step('one')], { version: 3 }), { engine: false });
    const unknown = await Promise.all(Array.from({ length: 30 }, (_, n) => start(deps, `unknown-${String(n)}`)));
    const known = boot(toyKind([step('one')], { kind: 'known' }));
    const { jobId } = await start(known, 'known', { kind: 'known' });
    expect((await ended(jobId)).job.status).toBe('succeeded');
    for (const one of unknown) expect((await loadJob(db, one.jobId))?.job).toMatchObject({ status: 'queued', owner: null });
  });
});
