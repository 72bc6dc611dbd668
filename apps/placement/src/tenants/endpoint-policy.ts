/**
 * Where a managed service may be reached. The control plane sends credentials to endpoints, so an endpoint is an
 * address within the allowed networks, or a host name that the configuration allows. A name is not looked up here:
 * what it stands for may change at any time, so whoever connects (the provisioner, the fleet observer) resolves it
 * and checks the address it then uses by the same rule.
 */
import { isIP } from 'node:net';
import { FairleadError } from '@fairlead/contracts';
import { addressRule, hostRule, parseUrl } from '@fairlead/outbound';

export const defaultAllowedHosts = 'localhost';

const longestUrl = 512;

export interface EndpointPolicy {
  /** Answers the URL in its canonical form, without a trailing slash; throws FairleadError('invalid_argument') when it may not be used. */
  check(url: string): string;
}

/** Makes a policy from comma-separated networks and host names (`name` or `*.suffix`); throws when one is malformed. */
export function createEndpointPolicy(options: { allowedCidrs: string; allowedHosts: string }): EndpointPolicy {
  const addresses = addressRule(options.allowedCidrs);
  const hosts = hostRule(options.allowedHosts);
  return {
    check: (text) => {
      const url = endpointUrl(text);
      const host = url.hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) === 0) {
        if (!hosts.permits(host)) throw refused('its host name is not among FLEET_ALLOWED_HOSTS', host);
      } else if (!addresses.permits(host)) {
        throw refused('its address is not within FLEET_ALLOWED_CIDRS', host);
      }
      return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
    },
  };
}

function endpointUrl(text: string): URL {
  if (text.length > longestUrl) throw refused(`it is not a URL of at most ${String(longestUrl)} characters`);
  const verdict = parseUrl(text);
  if (!('url' in verdict)) throw refused(verdict.why);
  const { url } = verdict;
  if (url.search !== '' || url.hash !== '') throw refused('it holds a query or a fragment');
  return url;
}

function refused(why: string, host?: string): FairleadError {
  return new FairleadError('invalid_argument', `An endpoint's URL can't be used: ${why}`, host === undefined ? {} : { details: { host } });
}
