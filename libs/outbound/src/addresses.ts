import { BlockList, isIP } from 'node:net';

/** Where endpoints may be unless a setting says otherwise: loopback and private networks. */
export const defaultAllowedCidrs = '127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7';

/**
 * Never called, whatever is allowed: unspecified, link-local and multicast addresses, which are nobody's service, and cloud metadata
 * services, which hand out credentials. The IPv6 forms that a gateway may turn into such an IPv4 address (compatible, NAT64, 6to4) are
 * among them.
 */
const neverCalled = [
  ...['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '255.255.255.255/32', '100.100.100.200/32', '168.63.129.16/32', '192.0.0.192/32'],
  ...['::/128', 'fe80::/10', 'fec0::/10', 'ff00::/8', 'fd00:ec2::254/128', 'fd20:ce::254/128'],
  ...['::a9fe:0/112', '64:ff9b::a9fe:0/112', '2002:a9fe::/32', '::6464:64c8/128', '64:ff9b::6464:64c8/128', '2002:6464:64c8::/48'],
].join(',');

/** The IPv4 networks that are not the public internet's, by IANA's registry of special-purpose addresses. */
const notPublicIpv4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24'],
  ...['192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
].join(',');

/** Global unicast; whatever is outside of it is internal, or stands for an IPv4 address: mapped, compatible, NAT64. */
const globalIpv6 = '2000::/3';

/** Within it: protocol assignments with Teredo, documentation, 6to4. */
const notPublicIpv6 = '2001::/23,2001:db8::/32,2002::/16,3fff::/20';

const maxCidrs = 100;

/** Decides which addresses may be called. */
export interface AddressRule {
  /** True for an IP address, without brackets, that may be called. */
  permits(address: string): boolean;
}

/**
 * Makes the rule of a comma-separated list of CIDR blocks (IPv4 and IPv6; a bare address means itself).
 * Throws an Error that names the first entry that is not one.
 */
export function addressRule(cidrs: string): AddressRule {
  const allowed = blocksOf(cidrs);
  return {
    permits: (address) => {
      const family = familyOf(address);
      // A block list matches an IPv4 block against an IPv4-mapped IPv6 address too.
      return family !== undefined && allowed.check(address, family) && isCallable(address);
    },
  };
}

const forbidden = blocksOf(neverCalled);
const internalIpv4 = blocksOf(notPublicIpv4);
const [global6, special6] = [blocksOf(globalIpv6), blocksOf(notPublicIpv6)];

/** True for an IP address that may be called when something allows it: it is not among those that never are. */
export function isCallable(address: string): boolean {
  const family = familyOf(address);
  return family !== undefined && !forbidden.check(address, family);
}

/** True for an IP address of the public internet, in a form that stands for no other one. */
export function isPublic(address: string): boolean {
  const family = familyOf(address);
  if (family === undefined || !isCallable(address)) return false;
  if (family === 'ipv4') return !internalIpv4.check(address, family);
  return global6.check(address, family) && !special6.check(address, family);
}

/** True for a list that addressRule() takes. */
export function isCidrList(cidrs: string): boolean {
  try {
    blocksOf(cidrs);
    return true;
  } catch {
    return false;
  }
}

function blocksOf(cidrs: string): BlockList {
  const entries = cidrs.split(',').map((entry) => entry.trim());
  if (entries.length > maxCidrs) throw new Error(`more than ${String(maxCidrs)} CIDR blocks`);
  const blocks = new BlockList();
  for (const entry of entries) {
    const [address = '', length, ...rest] = entry.split('/');
    const family = familyOf(address);
    const bits = family === 'ipv6' ? 128 : 32;
    const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
    if (family === undefined || rest.length > 0 || !(prefix <= bits)) throw new Error(`not a CIDR block: ${entry}`);
    blocks.addSubnet(address, prefix, family);
  }
  return blocks;
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const family = isIP(address);
  return family === 4 ? 'ipv4' : family === 6 ? 'ipv6' : undefined;
}
