/** The admin UI in a real browser, on the whole stack as `npm start` boots it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventuallyHolds, testFolder } from '@fairlead/testing';
import { openBrowser, type UiBrowser } from './support/browser.js';
import { Operator } from './support/operator.js';

let stack: Stack;
let ann: Operator;
let browser: UiBrowser | undefined;

// Long enough for Debian's browser to be installed.
beforeAll(async () => {
  stack = await startStack({
    stateDir: testFolder('stack'),
    port: 0,
    separate: false,
    sim: true,
    log: () => undefined,
    // A migration whose target has died is soon given up.
    env: { MIGRATE_HANDOVER_TIMEOUT_MS: '6000', MIGRATE_UNDO_TIMEOUT_MS: '6000' },
  });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
}, 180_000);

afterEach(async () => {
  await browser?.close();
  browser = undefined;
});

afterAll(async () => {
  await stack.stop();
}, 60_000);

async function open(path: string, options: Parameters<typeof openBrowser>[0] = {}): Promise<UiBrowser> {
  browser = await openBrowser(options);
  await browser.page.goto(`${stack.url}${path}`);
  return browser;
}

async function signIn(page: Page): Promise<void> {
  const { email, password } = stack.firstAdmin();
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Password').waitFor({ state: 'detached' });
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: stack.firstAdmin().email }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByLabel('Password').waitFor();
}

/** Chooses a shard for a kind in the open dialog and says why; makes the plan. */
async function plan(page: Page, kind: string, shard: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: new RegExp(`^${kind}`) }).click();
  await dialog.getByRole('option', { name: new RegExp(`^${shard}`) }).click();
  await dialog.getByLabel('Reason').fill('make room');
  await dialog.getByRole('button', { name: /^Plan/ }).click();
  await dialog.getByRole('heading', { name: 'Checks' }).waitFor();
}

describe('the admin UI', () => {
  it('takes an operator from the sign-in through a plan and a live job to who did it', async () => {
    const { page, complaints, screenshot } = await open('/tenants/tenant-01');
    const [from, to] = await Promise.all([ann.placementOf('tenant-01'), ann.elsewhere('tenant-01')]);
    const [origin, target] = [from['runner'] ?? '', to['runner'] ?? ''];
    await page.getByLabel('Password').waitFor();
    await screenshot('sign-in');
    await signIn(page);
    // Where one wanted to be before.
    await page.getByRole('heading', { name: 'tenant-01', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Migrate' }).click();
    expect(await page.getByRole('button', { name: 'Start migration' }).getAttribute('aria-disabled')).toBe('true');
    await plan(page, 'Runner', target);
    await screenshot('plan');

    // Work that does not end keeps the tenant draining: time to see the job live.
    await ann.turn('runner', origin, { stuck: true });
    await page.getByRole('button', { name: 'Start migration' }).click();
    const steps = page.getByRole('table', { name: 'Steps' });
    await steps.getByRole('row', { name: /^drain Succeeded/ }).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    await steps.getByRole('row', { name: /^wait-drained (Running|Waiting)/ }).waitFor();
    await screenshot('job-live');
    await ann.turn('runner', origin, { stuck: false });
    await page.getByText('Job succeeded').waitFor();
    await page.getByText('Complete', { exact: true }).waitFor();
    await steps.getByRole('row', { name: /^drop-sealed-copy Succeeded/ }).waitFor();
    await screenshot('job');
    expect((await ann.placementOf('tenant-01'))['runner']).toBe(target);

    await page.getByRole('link', { name: 'Audit of this job' }).click();
    const records = page.getByRole('table', { name: 'Matching records' });
    await records.getByRole('row', { name: new RegExp(`job.job_queued.*${stack.firstAdmin().email}.*make room`) }).waitFor();
    await records.getByRole('row', { name: /placement_map.tenant_moved/ }).waitFor();
    await screenshot('audit');
    expect(complaints).toEqual([]);
  }, 120_000);

  it('cancels a job that has not come too far, when it is told why', async () => {
    const { page, complaints, screenshot } = await open('/tenants/tenant-02?dialog=migrate');
    const [from, to] = await Promise.all([ann.placementOf('tenant-02'), ann.elsewhere('tenant-02')]);
    await signIn(page);
    await page.getByRole('dialog').waitFor();
    await plan(page, 'Runner', to['runner'] ?? '');
    await ann.turn('runner', from['runner'] ?? '', { stuck: true });
    await page.getByRole('button', { name: 'Start migration' }).click();
    await page.getByRole('row', { name: /^wait-drained (Running|Waiting)/ }).waitFor();
    await page.getByRole('button', { name: 'Cancel job' }).click();
    await page.getByLabel('Reason').fill('changed our minds');
    await screenshot('cancel');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel job' }).click();
    await page.getByText('Job cancelled').waitFor();
    await page.getByRole('row', { name: /^drain Undone/ }).waitFor();
    await ann.turn('runner', from['runner'] ?? '', { stuck: false });
    expect(await ann.placementOf('tenant-02')).toEqual(from);
    expect(complaints).toEqual([]);
  }, 120_000);

  it('lets a job that needs attention go on once its cause is cured, and shows that to whoever else looks', async () => {
    const { page, context, complaints, screenshot } = await open('/');
    await signIn(page);
    const [from, to] = await Promise.all([ann.placementOf('tenant-05'), ann.elsewhere('tenant-05')]);
    const [origin, target] = [from['runner'] ?? '', to['runner'] ?? ''];
    await ann.turn('runner', origin, { stuck: true });
    const jobId = await ann.migrate('tenant-05', { runner: target });
    await ann.stepReaches(jobId, 'drain', 'succeeded');
    await ann.turn('runner', target, { down: true });
    try {
      await ann.turn('runner', origin, { stuck: false });
      const other = await context.newPage();
      for (const one of [page, other]) {
        await one.goto(`${stack.url}/jobs/${jobId}`);
        await one.getByText('Somebody has to look at this').waitFor({ timeout: 60_000 });
        await one.getByText('Complete so far', { exact: true }).waitFor();
      }
      await ann.turn('runner', target, { down: false });
      await page.bringToFront();
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByLabel('Reason').fill('the target is back');
      await screenshot('retry');
      await page.getByRole('dialog').getByRole('button', { name: 'Try again' }).click();
      for (const one of [page, other]) {
        await one.bringToFront();
        const events = one.getByRole('table', { name: 'Events' });
        for (const event of ['Job needs attention', 'Job retried', 'Job failed'])
          await events.getByRole('row').filter({ hasText: event }).waitFor({ timeout: 60_000 });
        expect(await events.getByRole('row').filter({ hasText: 'Job queued' }).count()).toBe(1);
        await one.getByText('Complete', { exact: true }).waitFor();
        await one.getByText('What went wrong').waitFor();
      }
      await screenshot('retried');
    } finally {
      await ann.turn('runner', target, { down: false });
    }
    expect(await ann.placementOf('tenant-05')).toEqual(from);
    expect(complaints).toEqual([]);
  }, 180_000);

  it('tells of a plan that no longer holds and makes a new one, and starts none that a check blocks', async () => {
    const { page, complaints, screenshot } = await open('/tenants/tenant-03?dialog=migrate');
    const to = await ann.elsewhere('tenant-03');
    await signIn(page);
    await page.getByRole('dialog').waitFor();
    await plan(page, 'Runner', to['runner'] ?? '');
    // Somebody else was faster.
    await ann.ended(await ann.migrate('tenant-03', { runner: to['runner'] ?? '' }));
    await page.getByRole('button', { name: 'Start migration' }).click();
    await page.getByText('The plan no longer holds', { exact: true }).waitFor();
    await page.getByText('plan_stale').waitFor();
    await screenshot('plan-stale');
    await page.getByRole('button', { name: 'Plan again' }).click();
    await page.getByRole('row', { name: /^Block runner.not_already_there/ }).waitFor();
    expect(await page.getByRole('button', { name: 'Start migration' }).getAttribute('aria-disabled')).toBe('true');
    await screenshot('plan-blocked');
    expect(complaints).toEqual(['412 POST /admin/v1/jobs/tenant-migrate']);
  }, 120_000);

  it('keeps a session over a reload and in a second tab, and ends it in both', async () => {
    const { page, context, complaints } = await open('/');
    await signIn(page);
    await page.getByText('8 of 8').waitFor();
    await page.reload();
    await page.getByText('8 of 8').waitFor();
    const second = await context.newPage();
    await second.goto(`${stack.url}/jobs`);
    await second.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor();
    expect(JSON.stringify(await context.storageState())).not.toContain('access_token');
    await signOut(page);
    await second.getByLabel('Password').waitFor();
    await page.reload();
    await page.getByLabel('Password').waitFor();
    expect(complaints).toEqual([]);
  }, 60_000);

  it.each([
    ['wide', { width: 1280, dark: true }],
    ['narrow', { width: 400 }],
  ])(
    'shows every page, %s',
    async (name, options) => {
      const { page, complaints, screenshot } = await open('/', options);
      await signIn(page);
      for (const [path, text] of [
        ['/', '8 of 8'],
        ['/tenants', 'Tenant 20'],
        ['/tenants/tenant-04', 'since revision'],
        ['/fleet', 'gateway-2-1'],
        ['/jobs', 'tenant-migrate'],
        ['/audit', 'user.login_succeeded'],
        ['/nowhere', 'There is no such page'],
      ]) {
        await page.goto(`${stack.url}${path ?? ''}`);
        await page
          .getByText(text ?? '')
          .first()
          .waitFor();
        await screenshot(`${name}${(path ?? '').replaceAll('/', '-')}`);
        // Wide tables scroll in themselves, never the page.
        await eventuallyHolds(
          async () => {
            expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBe(0);
          },
          { what: `${path ?? ''} to fit the window` },
        );
      }
      expect(complaints).toEqual([]);
    },
    120_000,
  );
});
