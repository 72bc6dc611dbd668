/** Signing in by the admin UI, in a real browser: at an OpenID provider, and here. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startStack, type Stack } from '@fairlead/dev-env';
import { freePort } from '@fairlead/local-servers';
import { testFolder } from '@fairlead/testing';
import { clientId, clientSecret, startOpenIdProvider, type OpenIdProvider } from '../../apps/api-gateway/src/testing/openid-provider.js';
import { openBrowser, type UiBrowser } from './support/browser.js';

let stack: Stack | undefined;
let provider: OpenIdProvider;
let browser: UiBrowser | undefined;

// Long enough for Debian's browser to be installed.
beforeAll(async () => {
  // What the provider has to say about a quick start.
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  provider = await startOpenIdProvider([`${url}/sign-in/corp`]);
  const issuer = { id: 'corp', name: 'Corp', issuer: provider.issuer, client_id: clientId, client_secret: clientSecret };
  stack = await startStack({
    ...{ stateDir: testFolder('stack'), port, separate: false, sim: false, log: () => undefined },
    env: { PUBLIC_URL: url, OIDC_ISSUERS: JSON.stringify([{ ...issuer, roles: { ops: ['operator'] } }]) },
  });
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  await provider.stop();
}, 60_000);

const signInAtCorp = async (login: string) => {
  browser = await openBrowser();
  const { page } = browser;
  await page.goto(stack?.url ?? '');
  await page.getByRole('button', { name: 'Sign in with Corp' }).click();
  await page.locator('input[name=login]').fill(login);
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
  return page;
};

describe('the sign-in page', () => {
  it('leads to an issuer and, with a role, back into Fairlead', async () => {
    provider.accounts.set('ann', { email: 'ann@corp.test', groups: ['ops'] });
    const page = await signInAtCorp('ann');
    await page.getByRole('button', { name: /ann@corp\.test \(corp/ }).waitFor();
    // Neither code nor state stays in the address.
    expect(new URL(page.url()).search).toBe('');
    // The session outlasts the page.
    await page.reload();
    await page.getByRole('button', { name: /ann@corp\.test \(corp/ }).waitFor();
    await browser?.close();
  }, 120_000);

  it('tells who comes back without a role why they may not in, and offers both ways again', async () => {
    provider.accounts.set('bob', { email: 'bob@corp.test', groups: ['choir'] });
    const page = await signInAtCorp('bob');
    await page.getByText('none of your groups may do anything here').waitFor();
    await page.getByLabel('Password').waitFor();
    expect(await page.getByRole('button', { name: 'Sign in with Corp' }).isVisible()).toBe(true);
  }, 120_000);
});
