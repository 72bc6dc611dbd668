import { describe, expect, it } from '@jest/globals';
import { findBrowser, type Machine } from './browser.js';

/** A machine with some programs; installing adds one. */
function machine(given: {
  env?: Machine['env'];
  programs?: string[];
  canInstall?: boolean;
  brings?: string;
}): Machine & { asked: string[] } {
  const programs = new Set(given.programs);
  const asked: string[] = [];
  return {
    env: { PATH: '/usr/local/bin:/usr/bin', ...given.env },
    isExecutable: (path) => programs.has(path),
    canInstall: given.canInstall ?? false,
    install: (name) => {
      asked.push(name);
      if (given.brings !== undefined) programs.add(given.brings);
      return Promise.resolve();
    },
    asked,
  };
}

describe('findBrowser', () => {
  it('takes the one that CHROME_PATH names, before any other', async () => {
    const env = { CHROME_PATH: '/opt/chrome' };
    expect(await findBrowser(machine({ env, programs: ['/opt/chrome', '/usr/bin/chromium'] }))).toBe('/opt/chrome');
  });

  it('does not replace one that CHROME_PATH names in vain', async () => {
    const env = { CHROME_PATH: '/opt/gone' };
    await expect(findBrowser(machine({ env, programs: ['/usr/bin/chromium'], canInstall: true }))).rejects.toThrow(
      'CHROME_PATH names /opt/gone, which is no program that can be run',
    );
  });

  it('finds one on the PATH, and installs nothing then', async () => {
    const found = machine({ programs: ['/usr/bin/google-chrome'], canInstall: true });
    expect(await findBrowser(found)).toBe('/usr/bin/google-chrome');
    expect(found.asked).toEqual([]);
  });

  it("installs Debian's where it may", async () => {
    const bare = machine({ canInstall: true, brings: '/usr/bin/chromium' });
    expect(await findBrowser(bare)).toBe('/usr/bin/chromium');
    expect(bare.asked).toEqual(['chromium']);
  });

  it('fails and names CHROME_PATH where there is none and none can be had', async () => {
    await expect(findBrowser(machine({}))).rejects.toThrow('set CHROME_PATH');
    await expect(findBrowser(machine({ canInstall: true }))).rejects.toThrow('set CHROME_PATH');
  });
});
