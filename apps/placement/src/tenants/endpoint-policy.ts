/**
 * Where a managed service may be reached. The control plane sends credentials to endpoints, so an endpoint is an
 * address within the allowed networks, or a host name that the configuration allows. A name is not looked up here:
 * what it stands for may change at any time, so whoever connects (the provisioner, the fleet observer) resolves it
 * and checks the address it then uses by the same rule.
 */
import { isIP } from 'node:net';
import { FairleadError } from '@fairlead/contracts';
import { addressRule } from '@fairlead/outbound';

export const defaultAllowedHosts = 'localhost';

const hostRulePattern = /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const longestUrl = 512;

export interface EndpointPolicy {
  /** Answers the URL in its canonical form, without a trailing slash; throws FairleadError('invalid_argument') when it may not be used. */
  check(url: string): string;
}

/** Makes a policy from comma-separated networks and host names (`name` or `*.suffix`); throws when one is malformed. */
export function createEndpointPolicy(options: { allowedCidrs: string; allowedHosts: string }): EndpointPolicy {
  const addresses = addressRule(options.allowedCidrs);
  const hosts = hostRules(options.allowedHosts);
  return {
    check: (text) => {
      const url = endpointUrl(text);
      const host = url.hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) === 0) {
        if (!hosts.some((rule) => matchesHost(rule, host))) throw refused('its host name is not among FLEET_ALLOWED_HOSTS', host);
      } else if (!addresses.permits(host)) {
        throw refused('its address is not within FLEET_ALLOWED_CIDRS', host);
      }
      return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
    },
  };
}

/** True for a list that createEndpointPolicy takes as host names. */
export function isHostList(list: string): boolean {
  return entriesOf(list).every((rule) => hostRulePattern.test(rule));
}

function endpointUrl(text: string): URL {
  if (text.length > longestUrl || !URL.canParse(text)) throw refused(`it is not a URL of at most ${String(longestUrl)} characters`);
  // The parser brings every spelling of an IPv4 address (octal, hexadecimal, short) into dotted form.
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused('its scheme is not http or https');
  if (url.username !== '' || url.password !== '') throw refused('it holds credentials');
  if (url.search !== '' || url.hash !== '') throw refused('it holds a query or a fragment');
  return url;
}

function refused(why: string, host?: string): FairleadError {
  return new FairleadError('invalid_argument', `An endpoint's URL can't be used: ${why}`, host === undefined ? {} : { details: { host } });
}

function hostRules(list: string): string[] {
  if (!isHostList(list)) throw new Error('not a list of host names');
  return entriesOf(list);
}

function matchesHost(rule: string, host: string): boolean {
  return rule.startsWith('*.') ? host.endsWith(rule.slice(1)) : host === rule;
}

function entriesOf(list: string): string[] {
  return list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
