import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addressRule, defaultAllowedCidrs, isCidrList } from './index.js';

describe('addressRule', () => {
  const rule = addressRule(defaultAllowedCidrs);

  it.each(['127.0.0.1', '10.1.2.3', '172.31.255.255', '192.168.0.1', '::1', 'fd12::1', '::ffff:10.0.0.1'])(
    'permits %s by default',
    (address) => {
      expect(rule.permits(address)).toBe(true);
    },
  );

  it.each([
    '8.8.8.8',
    '172.32.0.1',
    '169.254.169.254',
    '::ffff:169.254.169.254',
    'fe80::1',
    'fd00:ec2::254',
    '0.0.0.0',
    '::',
    '2001:db8::1',
    'localhost',
    '',
  ])('refuses %s by default', (address) => {
    expect(rule.permits(address)).toBe(false);
  });

  it('never permits a link-local or metadata address, whatever the list says', () => {
    const everything = addressRule('0.0.0.0/0, ::/0');
    expect(everything.permits('8.8.8.8')).toBe(true);
    expect(everything.permits('2001:db8::1')).toBe(true);
    const octet = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(octet, octet, fc.boolean(), (c, d, mapped) => {
        const address = `169.254.${String(c)}.${String(d)}`;
        return !everything.permits(mapped ? `::ffff:${address}` : address);
      }),
    );
  });

  it('permits exactly the addresses of an IPv4 block', () => {
    const uint32 = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(uint32, uint32, fc.integer({ min: 0, max: 32 }), (network, address, bits) => {
        const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
        const inside = (network & mask) >>> 0 === (address & mask) >>> 0;
        return addressRule(`${dotted(network)}/${String(bits)}`).permits(dotted(address)) === (inside && !isNobodys(address));
      }),
    );
  });

  it.each([
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0/8',
    'localhost',
    '10.0.0.0/8,,',
    '::/129',
    '10.0.0.0/8/8',
    Array(101).fill('10.0.0.1').join(','),
  ])('does not take %j for a list', (list) => {
    expect(isCidrList(list)).toBe(false);
    expect(() => addressRule(list)).toThrow(/CIDR/);
  });
});

/** Unspecified, link-local, multicast, broadcast, and the metadata services outside of these. */
function isNobodys(address: number): boolean {
  const top = address >>> 24;
  return (
    top === 0 ||
    (top >= 224 && top < 240) ||
    address >>> 16 === 0xa9fe ||
    [0xffffffff, 0x646464c8, 0xa83f8110, 0xc00000c0].includes(address)
  );
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}
