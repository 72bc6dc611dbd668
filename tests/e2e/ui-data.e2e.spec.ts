/** The admin UI's look into the tables, in a real browser, on the whole stack as `npm start` boots it. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '@fairlead/dev-env';
import { eventuallyHolds, testFolder } from '@fairlead/testing';
import { openBrowser, type UiBrowser } from './support/browser.js';
import { Operator } from './support/operator.js';

let stack: Stack;
let ann: Operator;
let browser: UiBrowser | undefined;

// Long enough for Debian's browser to be installed.
beforeAll(async () => {
  stack = await startStack({ stateDir: testFolder('stack'), port: 0, separate: false, sim: true, log: () => undefined });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
}, 300_000);

afterEach(async () => {
  await browser?.close();
  browser = undefined;
});

afterAll(async () => {
  await stack.stop();
}, 120_000);

async function open(path: string, account: { email: string; password: string }, width?: number): Promise<UiBrowser> {
  browser = await openBrowser(width === undefined ? {} : { width });
  const { page } = browser;
  page.setDefaultTimeout(60_000);
  await page.goto(`${stack.url}${path}`);
  await page.getByLabel('E-mail address').fill(account.email);
  await page.getByLabel('Password').fill(account.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Password').waitFor({ state: 'detached' });
  return browser;
}

/** What the trail says of looks into the tables, the newest first. */
async function looks(): Promise<{ resource_id: string; details: Record<string, unknown> }[]> {
  const { body } = await ann.get<{ items: { resource_id: string; details: Record<string, unknown> }[] }>(
    '/admin/v1/audit?action=data_table.data_read',
  );
  return body.items;
}

describe('the page of the tables', () => {
  it('shows rows with masked values, filters them from the keyboard, and says that it is recorded', async () => {
    const { page, complaints, screenshot } = await open('/data', stack.firstAdmin());
    await page.getByRole('heading', { name: 'Data', level: 1 }).waitFor();
    await page.getByRole('link', { name: 'api_gateway.users' }).waitFor();
    await screenshot('data');
    // Nothing of it may be read, so there is nowhere to go.
    expect(await page.getByRole('link', { name: 'api_gateway.recovery_code' }).count()).toBe(0);
    await page.getByRole('link', { name: 'api_gateway.users' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'api_gateway.users', level: 1 }).waitFor();
    const row = page.getByRole('row', { name: new RegExp(stack.firstAdmin().email) });
    await row.waitFor();
    await row.getByText('masked', { exact: true }).waitFor();
    expect(await page.content()).not.toContain('$argon2');
    await screenshot('data-rows');

    await page.getByLabel('Filter').fill('email.eq.nobody@example.test');
    await page.keyboard.press('Enter');
    await page.getByText('No row matches').waitFor();
    expect(new URL(page.url()).searchParams.get('filter')).toBe('email.eq.nobody@example.test');
    expect(complaints).toEqual([]);
    await eventuallyHolds(
      async () => {
        const found = (await looks()).map(({ resource_id, details }) => [resource_id, details['filter']]);
        expect(found).toEqual([
          ['api_gateway.users', [{ column: 'email', operator: 'eq', value: 'nobody@example.test' }]],
          ['api_gateway.users', []],
        ]);
      },
      { timeoutMs: 60_000, what: 'both looks to be in the trail, and no more' },
    );
  }, 240_000);

  it('is in the navigation of who may look alone', async () => {
    const account = { email: 'viewer@example.test', password: `viewer-${randomUUID()}` };
    await ann.post('/admin/v1/users', { ...account, roles: ['viewer'] });
    const { page } = await open('/', account);
    const navigation = page.getByRole('navigation');
    await navigation.getByRole('link', { name: 'Audit' }).waitFor();
    expect(await navigation.getByRole('link', { name: 'Data' }).count()).toBe(0);
    await page.goto(`${stack.url}/data`);
    await page
      .getByText(/permission_denied|data\.browse/)
      .first()
      .waitFor();
  }, 240_000);
});
