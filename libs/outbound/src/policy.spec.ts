import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isAllowedCidrs, isHostList, publicPolicy } from './index.js';

const closed = publicPolicy({ allowedCidrs: '', allowedHosts: '' });
const open = publicPolicy({ allowedCidrs: '10.0.0.0/8, ::1, 127.0.0.1', allowedHosts: 'localhost,*.internal' });
const everything = publicPolicy({ allowedCidrs: '0.0.0.0/0,::/0', allowedHosts: '*.example' });

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
/** Networks of IPv4 that are not the public internet's. */
const internal: [network: number, bits: number][] = [
  ...[0x00000000, 0x0a000000, 0x7f000000].map((network): [number, number] => [network, 8]),
  ...[0xac100000].map((network): [number, number] => [network, 12]),
  ...[0xa9fe0000, 0xc0a80000].map((network): [number, number] => [network, 16]),
  ...[0xc0000000, 0xc0000200, 0xc6336400, 0xcb007100].map((network): [number, number] => [network, 24]),
  ...[0x64400000].map((network): [number, number] => [network, 10]),
  ...[0xc6120000].map((network): [number, number] => [network, 15]),
  ...[0xe0000000, 0xf0000000].map((network): [number, number] => [network, 4]),
];
const internalAddress = fc
  .tuple(fc.constantFrom(...internal), uint32)
  .map(([[network, bits], any]) => (network | (any & (0xffffffff >>> bits))) >>> 0);

/** Every way to write an IPv4 address as the host of a URL, the IPv6 forms that stand for it included. */
function formsOf(address: number): string[] {
  const bytes = [24, 16, 8, 0].map((shift) => (address >>> shift) & 255);
  const [a = 0, b = 0, c = 0] = bytes;
  const hex = (value: number) => value.toString(16);
  const words = `${hex(address >>> 16)}:${hex(address & 0xffff)}`;
  return [
    bytes.join('.'),
    `${bytes.join('.')}.`,
    String(address),
    `0x${hex(address)}`,
    `0${address.toString(8)}`,
    bytes.map((byte) => `0x${hex(byte)}`).join('.'),
    bytes.map((byte) => `0${byte.toString(8)}`).join('.'),
    `${String(a)}.${String(address & 0xffffff)}`,
    `${String(a)}.${String(b)}.${String(address & 0xffff)}`,
    `%3${String(a)[0] ?? ''}${String(a).slice(1)}.${String(b)}.${String(c)}.${String(address & 255)}`,
    ...[`::ffff:${words}`, `::ffff:${bytes.join('.')}`, `::${words}`, `64:ff9b::${words}`, `2002:${words}::1`].map((six) => `[${six}]`),
  ];
}

const problemOf = (policy: typeof closed, url: string) => {
  const verdict = policy.judge(url);
  return 'url' in verdict ? undefined : verdict.problem;
};

describe('the policy for the public internet', () => {
  it('refuses every form of every internal IPv4 address', () => {
    fc.assert(
      fc.property(internalAddress, (address) => {
        for (const host of formsOf(address)) expect([host, problemOf(closed, `https://${host}/`)]).toEqual([host, 'forbidden_address']);
      }),
    );
  });

  it('refuses the IPv6 forms that stand for an IPv4 address, internal or not', () => {
    fc.assert(
      fc.property(uint32, (address) => {
        for (const host of formsOf(address).filter((form) => form.startsWith('[')))
          expect(problemOf(closed, `https://${host}/`)).toBe('forbidden_address');
      }),
    );
  });

  it('judges the address in a URL as it does the one that a name stands for', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const host = address.includes(':') ? `[${address}]` : address;
        for (const policy of [closed, open, everything])
          expect(problemOf(policy, `https://${host}/`) === undefined).toBe(policy.permits(address, address));
      }),
    );
  });

  it.each(['https://93.184.215.14/a?b=c', 'https://[2606:2800:21f::1]:8443/', 'https://hooks.example.com/x', 'https://1572395278/'])(
    'takes %s',
    (url) => {
      expect(problemOf(closed, url)).toBeUndefined();
    },
  );

  it.each([
    ['http://hooks.example.com/', 'forbidden_address'],
    ['http://93.184.215.14/', 'forbidden_address'],
    ['https://localhost/', 'forbidden_address'],
    ['https://localhost./', 'forbidden_address'],
    ['https://LOCALHOST/', 'forbidden_address'],
    ['https://a.localhost/', 'forbidden_address'],
    ['https://postgres:5432/', 'forbidden_address'],
    ['https://[::1]/', 'forbidden_address'],
    ['https://[::]/', 'forbidden_address'],
    ['https://[fe80::1]/', 'forbidden_address'],
    ['https://[fd12::1]/', 'forbidden_address'],
    ['https://[fd00:ec2::254]/', 'forbidden_address'],
    ['https://[ff02::1]/', 'forbidden_address'],
    ['https://[2001:db8::1]/', 'forbidden_address'],
    ['https://[2001::1]/', 'forbidden_address'],
    ['https://[fe80::1%25eth0]/', 'invalid_url'],
    ['https://user@hooks.example.com/', 'invalid_url'],
    ['https://:pw@hooks.example.com/', 'invalid_url'],
    ['ftp://hooks.example.com/', 'invalid_url'],
    ['file:///etc/passwd', 'invalid_url'],
    ['gopher://127.0.0.1:6379/_SET', 'invalid_url'],
    ['javascript:alert(1)', 'invalid_url'],
    ['https://', 'invalid_url'],
    ['', 'invalid_url'],
    [`https://hooks.example.com/${'a'.repeat(2_048)}`, 'invalid_url'],
  ])('refuses %s', (url, problem) => {
    expect(problemOf(closed, url)).toBe(problem);
  });

  it('takes what is allowed besides, by http too, and nothing near it', () => {
    for (const url of [
      'http://10.1.2.3/',
      'http://localhost:9/',
      'https://localhost./',
      'http://a.internal/',
      'http://[::1]/',
      'http://0x7f.1/',
    ])
      expect([url, problemOf(open, url)]).toEqual([url, undefined]);
    for (const url of [
      'http://11.1.2.3/',
      'http://127.0.0.2/',
      'http://internal/',
      'http://xinternal/',
      'http://localhost.example/',
      'https://[::2]/',
    ])
      expect([url, problemOf(open, url)]).toEqual([url, 'forbidden_address']);
    expect(open.permits('192.168.1.1', 'a.internal')).toBe(true);
    expect(open.permits('192.168.1.1', 'hooks.example.com')).toBe(false);
    expect(open.permits('10.1.2.3', 'hooks.example.com')).toBe(true);
  });

  it.each([
    '169.254.169.254',
    '100.100.100.200',
    'fd00:ec2::254',
    'fe80::1',
    '0.0.0.0',
    '::',
    '224.0.0.1',
    'ff02::1',
    '::ffff:169.254.169.254',
  ])('never permits %s, whatever is allowed', (address) => {
    expect(everything.permits(address, 'a.example')).toBe(false);
  });

  it('tells nothing of a URL that it refuses', () => {
    const verdict = closed.judge('https://user:hunter2@127.0.0.1/token');
    expect(JSON.stringify(verdict)).not.toMatch(/hunter2|token|127/);
  });

  it('knows its lists', () => {
    expect(isHostList('localhost,*.internal, a-1.b')).toBe(true);
    for (const list of ['*', 'a b', 'http://a', '*.', 'a..b', '-a']) expect(isHostList(list)).toBe(false);
    expect([isAllowedCidrs(''), isAllowedCidrs('10.0.0.0/8'), isAllowedCidrs('10.0.0.0/33')]).toEqual([true, true, false]);
    expect(() => publicPolicy({ allowedCidrs: 'nowhere', allowedHosts: '' })).toThrow(/CIDR/);
    expect(() => publicPolicy({ allowedCidrs: '', allowedHosts: '*' })).toThrow(/host names/);
  });
});
