/** A browser with the admin UI, which keeps account of everything that goes wrong in it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { findBrowser, testFolder } from '@fairlead/testing';

/** Where screenshots go: outside git, and not deleted with the run, to be looked at. */
const screenshots = join(import.meta.dirname, '../../../.cache/ui-screenshots');

const flags = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

export interface UiBrowser {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Errors and warnings on the console, uncaught errors, failed requests and error answers; each as one line of text. */
  readonly complaints: string[];
  screenshot(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens a browser with an empty profile. */
export async function openBrowser(options: { width?: number; dark?: boolean } = {}): Promise<UiBrowser> {
  const context = await chromium.launchPersistentContext(testFolder('browser'), {
    executablePath: await findBrowser(),
    headless: true,
    args: flags,
    viewport: { width: options.width ?? 1280, height: 900 },
    colorScheme: options.dark === true ? 'dark' : 'light',
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  const pathOf = (url: string) => url.replace(/^https?:\/\/[^/]+/, '').replace(/job_\w+/, 'job_x');
  page.on('console', (message) => {
    // What failed to load is told by the answer itself.
    const told = message.text().startsWith('Failed to load resource');
    if (['error', 'warning'].includes(message.type()) && !told) complaints.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? '';
    // Asked by a page that was left before the answer came.
    if (reason !== 'net::ERR_ABORTED') complaints.push(`failed: ${request.method()} ${pathOf(request.url())}: ${reason}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${String(response.status())} ${response.request().method()} ${pathOf(response.url())}`);
  });
  mkdirSync(screenshots, { recursive: true });
  return {
    context,
    page,
    complaints,
    screenshot: async (name) => {
      await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
    },
    close: () => context.close(),
  };
}
