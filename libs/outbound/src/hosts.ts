const hostRulePattern = /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** Decides which host names may be called. */
export interface HostRule {
  permits(host: string): boolean;
}

/** Makes the rule of a comma-separated list of host names (`name` or `*.suffix`), none for an empty text; throws an Error when it is not one. */
export function hostRule(list: string): HostRule {
  if (!isHostList(list)) throw new Error('not a list of host names');
  const rules = entriesOf(list);
  return { permits: (host) => rules.some((rule) => (rule.startsWith('*.') ? host.endsWith(rule.slice(1)) : host === rule)) };
}

/** True for a list that hostRule() takes. */
export function isHostList(list: string): boolean {
  return entriesOf(list).every((rule) => hostRulePattern.test(rule));
}

function entriesOf(list: string): string[] {
  return list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
