import { describe, expect, it } from '@jest/globals';
import { isNewEnough } from './nats-binary.js';
import { archiveLines, archiveStanzas, withSuite } from './debian-package.js';

const deb822 = `Types: deb deb-src
# a remark
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://tools.example/linux/debian
Suites: bookworm
Components: stable
`;

describe("the machine's package sources", () => {
  it('are read as stanzas, the distribution archive alone, and asked for another suite', () => {
    const found = archiveStanzas(deb822, 'bookworm');
    expect(found).toHaveLength(1);
    expect(found.map((source) => withSuite(source, 'sid').text)).toEqual([
      [
        'Types: deb',
        'URIs: http://mirror.example/debian',
        'Suites: sid',
        'Components: main',
        'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
      ].join('\n'),
    ]);
  });

  it('are read as lines', () => {
    const text = `# deb http://off.example/debian bookworm main
deb [signed-by=/k.gpg arch=amd64] http://mirror.example/debian bookworm main contrib
deb http://mirror.example/debian bookworm-updates main
deb-src http://mirror.example/debian bookworm main
deb https://tools.example/linux/debian bookworm stable
deb https://tools.example/node nodistro main`;
    const found = archiveLines(text, 'bookworm').map((source) => withSuite(source, 'testing').text);
    expect(found).toEqual(['deb [signed-by=/k.gpg arch=amd64] http://mirror.example/debian testing main']);
  });

  it('are found where a suite is named by its role', () => {
    expect(archiveLines('deb http://mirror.example/debian unstable main', undefined)).toHaveLength(1);
  });
});

describe('isNewEnough', () => {
  it.each([
    ['2.9.25', false],
    ['2.10.0', true],
    ['2.15.1', true],
    ['3.0.0', true],
    ['1.99.0', false],
    ['', false],
    [undefined, false],
  ])('%s → %s', (version, expected) => {
    expect(isNewEnough(version)).toBe(expected);
  });
});
