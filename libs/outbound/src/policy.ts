/** What may be called: judged by the URL when it is named, and by the address when it is connected to. */
import { isIP } from 'node:net';
import { addressRule, isCallable, isCidrList, isPublic } from './addresses.js';
import type { OutboundProblem } from './errors.js';
import { hostRule } from './hosts.js';

/** A URL that may be called as far as it alone tells, or why it may not. */
export type UrlVerdict =
  | { readonly url: URL }
  | {
      readonly problem: Extract<OutboundProblem, 'invalid_url' | 'forbidden_address'>;
      /** To go on after "URL can't be used:"; holds nothing of the URL. */
      readonly why: string;
    };

export interface OutboundPolicy {
  /** Judges a URL before anything is looked up. */
  judge(text: string): UrlVerdict;
  /** True when the address, to which `host` was resolved or which stands in the URL itself, may be connected to. */
  permits(address: string, host: string): boolean;
}

const longestUrl = 2_048;

/** Lets nothing be called but addresses in the networks, under whatever name: for addresses that are known to be internal. */
export function networkPolicy(allowedCidrs: string): OutboundPolicy {
  const rule = addressRule(allowedCidrs);
  return { judge: parseUrl, permits: (address) => rule.permits(address) };
}

/** What else may be called than the public internet; both are empty unless a setting names something. */
export interface Allowed {
  /** Comma-separated CIDR blocks, and no text for none. */
  readonly allowedCidrs: string;
  /** Comma-separated host names, `name` or `*.suffix`: wherever they are. */
  readonly allowedHosts: string;
}

/**
 * Lets the public internet be called, by https, and what is allowed besides, by http too. Nothing makes the addresses callable that
 * never are. Throws an Error when a list is malformed.
 */
export function publicPolicy({ allowedCidrs, allowedHosts }: Allowed): OutboundPolicy {
  const networks = allowedCidrs.trim() === '' ? undefined : addressRule(allowedCidrs);
  const hosts = hostRule(allowedHosts);
  const allowed = (address: string) => networks?.permits(address) === true;
  return {
    judge: (text) => {
      const verdict = parseUrl(text);
      if (!('url' in verdict)) return verdict;
      const host = hostOf(verdict.url);
      const isAddress = isIP(host) !== 0;
      const isAllowed = isAddress ? allowed(host) : hosts.permits(host);
      if (isAddress && !isAllowed && !isPublic(host)) return forbidden('its address is not one that may be called');
      if (!isAllowed && /^([^.]*|.*\.localhost)$/.test(host) && !isAddress) return forbidden('its host name is not a public one');
      if (verdict.url.protocol !== 'https:' && !isAllowed) return forbidden('its scheme is not https');
      return verdict;
    },
    permits: (address, host) => isPublic(address) || (isCallable(address) && (allowed(address) || hosts.permits(host))),
  };
}

/** True for what publicPolicy() takes as networks. */
export function isAllowedCidrs(list: string): boolean {
  return list.trim() === '' || isCidrList(list);
}

/**
 * A URL by http or https, without credentials. The parser brings every spelling of an IPv4 address (octal, hexadecimal, decimal, short)
 * into dotted form.
 */
export function parseUrl(text: string): UrlVerdict {
  if (text.length > longestUrl || !URL.canParse(text)) return invalid(`it is not a URL of at most ${String(longestUrl)} characters`);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return invalid('its scheme is not http or https');
  if (url.username !== '' || url.password !== '') return invalid('it holds credentials');
  return { url };
}

/** A URL's host as lists name it: no brackets, no dot at the end. */
export function hostOf(url: Pick<URL, 'hostname'>): string {
  return url.hostname.replaceAll(/^\[|\]$|\.$/g, '');
}

const invalid = (why: string) => ({ problem: 'invalid_url', why }) as const;
const forbidden = (why: string) => ({ problem: 'forbidden_address', why }) as const;
