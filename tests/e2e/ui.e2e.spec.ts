/** The admin UI in a real browser, on the whole stack as `npm start` boots it. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventuallyHolds, testFolder } from '@fairlead/testing';
import { appCode } from './support/authenticator.js';
import { openBrowser, type UiBrowser } from './support/browser.js';
import { Operator } from './support/operator.js';
import { openStackDatabase } from './support/stack-database.js';

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
    env: { MIGRATE_HANDOVER_TIMEOUT_MS: '6000', MIGRATE_UNDO_TIMEOUT_MS: '6000', JOB_APPROVAL_KINDS: 'tenant-drain' },
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

async function signIn(page: Page, { email, password } = stack.firstAdmin()): Promise<void> {
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

/** Wide tables scroll in themselves, never the page. */
async function expectToFit(page: Page): Promise<void> {
  await eventuallyHolds(
    async () => {
      expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBe(0);
    },
    { what: `${page.url()} to fit the window` },
  );
}

/** Presses a button of the page, says why in the dialog that it opens, and presses the same there. */
async function decide(page: Page, button: string, reason: string): Promise<void> {
  await page.getByRole('button', { name: button, exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Reason').fill(reason);
  await dialog.getByRole('button', { name: button, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
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

  it('shows what a job that moves many tenants has come to, pauses it and lets it go on', async () => {
    const { page, complaints, screenshot } = await open('/');
    await signIn(page);
    const { body } = await ann.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants?limit=200&kind=runner&shard_id=runner-1');
    const tenants = body.items.slice(-3).map((tenant) => tenant.tenant_id);
    const reason = 'empty the rack';
    const plan = await ann.post<{ digest: string }>('/admin/v1/plan/tenants-migrate', { tenants, to: { runner: 'runner-2' }, reason });
    await ann.turn('runner', 'runner-1', { stuck: true });
    const db = await openStackDatabase(stack.stateDir, 'job-orchestrator', { applicationName: 'test-ui', poolSize: 1 });
    try {
      const headers = { 'idempotency-key': 'ui-many' };
      const started = await ann.post<{ job_id: string }>(
        '/admin/v1/jobs/tenants-migrate',
        { plan_digest: plan.body.digest, reason },
        headers,
      );
      await page.goto(`${stack.url}/jobs/${started.body.job_id}`);
      await page.getByRole('heading', { name: 'tenants-migrate 3 tenants', level: 1 }).waitFor();
      await page.getByRole('row', { name: /^migrate Waiting.*0 of 3 done, 2 running, 0 failed/ }).waitFor();
      const children = page.getByRole('table', { name: 'Jobs that it has asked for' });
      await children
        .getByRole('row', { name: /^tenant-migrate/ })
        .nth(1)
        .waitFor();
      await decide(page, 'Pause', 'the rack is warm');
      await page.getByText('It is paused').waitFor();
      // As the check of deadlines leaves it; nobody waits for a day here.
      await db.query(`update job set overdue_at = now() where job_id = $1`, [started.body.job_id]);
      await page.getByText('It has passed its deadline').waitFor();
      for (const [name, width] of [
        ['job-many', 1280],
        ['job-many-narrow', 400],
      ] as const) {
        await page.setViewportSize({ width, height: 900 });
        await expectToFit(page);
        await screenshot(name);
      }
      await page.setViewportSize({ width: 1280, height: 900 });
      await ann.turn('runner', 'runner-1', { stuck: false });
      await children
        .getByRole('row', { name: /^tenant-migrate .*Succeeded/ })
        .nth(1)
        .waitFor();
      await decide(page, 'Go on', 'it is cool again');
      await page.getByText('It is paused').waitFor({ state: 'detached' });
      await page.getByRole('row', { name: /^migrate Succeeded.*3 of 3 done, 0 running, 0 failed/ }).waitFor();
      await page.getByText('Job succeeded').waitFor();
      await children.getByRole('link', { name: 'tenant-migrate' }).first().click();
      await page.getByRole('link', { name: started.body.job_id }).click();
      await page.getByRole('link', { name: 'All of them' }).click();
      await page
        .getByRole('table', { name: 'Matching jobs' })
        .getByRole('row', { name: /^tenant-migrate/ })
        .nth(2)
        .waitFor();
      expect(complaints).toEqual([]);
    } finally {
      await ann.turn('runner', 'runner-1', { stuck: false });
      await db.close();
    }
  }, 180_000);

  it('has a plan approved by somebody other than who made it, and started then', async () => {
    const account = { email: 'bob@example.test', password: randomUUID() };
    await ann.post('/admin/v1/users', { ...account, roles: ['operator'] });
    const planned = await ann.post<{ plan_id: string }>('/admin/v1/plan/tenant-drain', { tenant: 'tenant-07', reason: 'quiet please' });
    const { page, complaints, screenshot } = await open(`/plans/${planned.body.plan_id}`);
    await signIn(page);
    await page.getByRole('heading', { name: 'Plan: tenant-drain tenant-07', level: 1 }).waitFor();
    await page.getByText('Somebody else has to approve this plan').waitFor();
    for (const name of ['Approve', 'Start job'])
      expect(await page.getByRole('button', { name, exact: true }).getAttribute('aria-disabled')).toBe('true');
    await signOut(page);
    await signIn(page, account);
    await page.getByRole('heading', { name: 'Plan: tenant-drain tenant-07', level: 1 }).waitFor();
    expect(await page.getByRole('button', { name: 'Start job' }).getAttribute('aria-disabled')).toBe('true');
    for (const [name, width] of [
      ['plan-to-approve-narrow', 400],
      ['plan-to-approve', 1280],
    ] as const) {
      await page.setViewportSize({ width, height: 900 });
      await expectToFit(page);
      await screenshot(name);
    }
    await decide(page, 'Approve', 'looked at it');
    await page.getByText('Approved', { exact: true }).waitFor();
    await screenshot('plan-approved');
    await decide(page, 'Start job', 'as approved');
    await page.getByText('Job succeeded').waitFor();
    expect(complaints).toEqual([]);
  }, 120_000);

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

  it('shows the API’s document, and finds an operation in it', async () => {
    const { page, complaints, screenshot } = await open('/api');
    await signIn(page);
    await page.getByRole('heading', { name: 'API', level: 1 }).waitFor();
    await page.getByLabel('Find operations').fill('plans.migrate');
    await page.getByText('2 operations').first().waitFor();
    await page.getByRole('button', { name: 'POST /admin/v1/plan/tenant-migrate' }).click();
    await page.getByText('Operation plans.migrate. Needs plan.create').waitFor();
    await screenshot('api-operation');
    await page.getByLabel('Find operations').fill('');
    await page.getByRole('heading', { name: 'Where a user is signed in' }).waitFor();
    await screenshot('api');
    expect(new URL(page.url()).search).toBe('');
    expect(complaints).toEqual([]);
  }, 60_000);

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

  it('asks for the second factor of whoever has one, and says when the code is wrong', async () => {
    const account = { email: 'dora@example.test', password: randomUUID() };
    await ann.post('/admin/v1/users', { ...account, roles: ['viewer'] });
    const dora = await Operator.login(stack.url, stack.simUrl, account);
    const { body } = await dora.post<{ secret: string }>('/admin/v1/auth/totp', { current_password: account.password });
    expect((await dora.post('/admin/v1/auth/totp/confirm', { code: appCode(body.secret) })).status).toBe(200);
    const { page, complaints, screenshot } = await open('/');
    await page.getByLabel('E-mail address').fill(account.email);
    await page.getByLabel('Password').fill(account.password);
    await page.keyboard.press('Enter');
    const code = page.getByLabel('Code');
    await code.waitFor();
    await eventuallyHolds(
      async () => {
        expect(await page.evaluate('document.activeElement?.getAttribute("name")')).toBe('code');
      },
      { what: 'the code to be typed next' },
    );
    expect(await code.getAttribute('autocomplete')).toBe('one-time-code');
    await screenshot('sign-in-code');
    await page.keyboard.type('000000');
    await page.keyboard.press('Enter');
    await page.getByText('login_failed').waitFor();
    expect(await code.inputValue()).toBe('');
    await code.fill(appCode(body.secret, 1));
    await page.keyboard.press('Enter');
    await page.getByText('8 of 8').waitFor();
    expect(complaints).toEqual(['401 POST /admin/v1/auth/login', '401 POST /admin/v1/auth/login']);
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
        await expectToFit(page);
      }
      expect(complaints).toEqual([]);
    },
    120_000,
  );
});
