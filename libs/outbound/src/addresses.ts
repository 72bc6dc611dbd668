import { BlockList, isIP } from 'node:net';

/** Where endpoints may be unless a setting says otherwise: loopback and private networks. */
export const defaultAllowedCidrs = '127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7';

/** Never called, whatever is allowed: link-local addresses and cloud metadata services, which hand out credentials. */
const neverCalled = '169.254.0.0/16,fe80::/10,fd00:ec2::254/128,100.100.100.200/32';

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
  const forbidden = blocksOf(neverCalled);
  return {
    permits: (address) => {
      const family = familyOf(address);
      // A block list matches an IPv4 block against an IPv4-mapped IPv6 address too.
      return family !== undefined && allowed.check(address, family) && !forbidden.check(address, family);
    },
  };
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
