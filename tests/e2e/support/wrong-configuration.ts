/** Texts that no configuration document may have, of every domain and of each sort of fault, and where each is told. */
import { configDomains } from '@fairlead/contracts';

export interface WrongText {
  readonly domain: string;
  readonly what: string;
  readonly format: 'json' | 'yaml';
  readonly text: string;
  readonly code: 'config_decode' | 'config_invalid';
  readonly pointer: string;
}

const route = (to: object, id = 'a', prefix = '/a') => ({ id, path_prefix: prefix, to });
const kind = { kind: 'aggregate' };
const pin = (tenants: unknown, on: object = { shard: 'runner-1' }) => ({ pins: [{ tenants, kind: 'runner', on }] });
/** Beyond what a document may have, within what a request may. */
const long = 'x'.repeat(300_000);

/** What can't be read, whatever domain it is of. */
const unreadable: readonly (readonly [what: string, format: 'json' | 'yaml', text: string, pointer: string])[] = [
  ['bad JSON', 'json', '{"a": ', ''],
  ['bad YAML', 'yaml', 'a: [', ''],
  ['a text that is too large', 'json', JSON.stringify({ a: long }), ''],
  ['a list', 'json', '[]', ''],
  ['a member that stands twice', 'yaml', 'a: 1\na: 2', ''],
  ['a number that JSON does not have', 'yaml', 'a: { b: .inf }', '/a/b'],
  ['a member that would reach into its holder', 'json', '{"a": {"__proto__": {}}}', '/a'],
  ['aliases that make much of little', 'yaml', `a: &a [${'x, '.repeat(200)}]\nb: &b [${'*a, '.repeat(25)}]\nc: [${'*b, '.repeat(24)}]`, ''],
];

/** What can be read and is not right, by domain: the form first, then what it refers to. */
const invalid: Readonly<Record<string, readonly (readonly [what: string, content: object, pointer: string])[]>> = {
  routing: [
    ['no routes', { routes: [] }, '/routes'],
    ['a route without targets', { routes: [route({ endpoints: [] })] }, '/routes/0/to/endpoints'],
    ['a path that is none', { routes: [route(kind, 'a', 'api')] }, '/routes/0/path_prefix'],
    ['a member that is not known', { routes: [route(kind)], weights: {} }, '/weights'],
    ['an endpoint that is no URL', { routes: [route({ endpoints: ['not a url'] })] }, '/routes/0/to/endpoints/0'],
    ['an endpoint that may not be used', { routes: [route({ endpoints: ['http://169.254.169.254/'] })] }, '/routes/0/to/endpoints/0'],
    ['a route twice', { routes: [route(kind), route(kind, 'a', '/b')] }, '/routes/1/id'],
    ['a shard that is not there', { routes: [route(kind)], default_shards: { runner: 'runner-99' } }, '/default_shards/runner'],
    ['a gateway that is not there', { routes: [route(kind)], gateways: { nobody: { max_inflight: 1 } } }, '/gateways/nobody'],
  ],
  placement: [
    ['a pin of nobody', pin([]), '/pins/0/tenants'],
    ['a tolerance below nothing', { tolerance_percent: -1 }, '/tolerance_percent'],
    ['a pin to nothing', pin(['tenant-01'], {}), '/pins/0/on'],
    ['a tenant that is not there', pin(['nobody']), '/pins/0/tenants/0'],
    ['a shard that is not there', pin(['tenant-01'], { shard: 'runner-99' }), '/pins/0/on/shard'],
    ['labels that no shard has', pin(['tenant-01'], { labels: { zone: 'none' } }), '/pins/0/on/labels'],
    ['a tenant twice', pin(['tenant-01', 'tenant-01']), '/pins/0/tenants/1'],
  ],
  'feature-flags': [
    ['a flag without value', { flags: { beta: {} } }, '/flags/beta/value'],
    ['a name that is none', { flags: { Beta: { value: true } } }, '/flags/Beta'],
    ['a tenant that is not there', { flags: { beta: { value: true, tenants: { nobody: true } } } }, '/flags/beta/tenants/nobody'],
    ['a value of another sort', { flags: { beta: { value: true, tenants: { 'tenant-01': 1 } } } }, '/flags/beta/tenants/tenant-01'],
  ],
  'runner-activation': [
    ['a version below 1', { defaults: { charge: 0 } }, '/defaults/charge'],
    ['a version that is a text', { tenants: { 'tenant-01': { charge: 'newest' } } }, '/tenants/tenant-01/charge'],
    ['a name that is none', { defaults: { 'Charge order': 1 } }, '/defaults/Charge order'],
    ['a member that is not known', { default: {} }, '/default'],
    ['a definition that is not there', { defaults: { nothing: 1 } }, '/defaults/nothing'],
    ['a version that is not there', { defaults: { charge: 99 } }, '/defaults/charge'],
    ['a version that is retired', { tenants: { 'tenant-01': { charge: 1 } } }, '/tenants/tenant-01/charge'],
    ['a tenant that is not there', { tenants: { nobody: { charge: 2 } } }, '/tenants/nobody'],
  ],
};

/** All of them. There have to be tenant-01 and versions 1, retired, and 2 of the definition `charge`. */
export const wrongTexts: readonly WrongText[] = configDomains.flatMap((domain) => [
  ...unreadable.map(([what, format, text, pointer]) => ({ domain, what, format, text, code: 'config_decode' as const, pointer })),
  ...(invalid[domain] ?? []).map(([what, content, pointer]) => ({
    ...{ domain, what, format: 'json' as const, text: JSON.stringify(content), code: 'config_invalid' as const, pointer },
  })),
]);

/** A text that may be put in force, of each domain. */
export const rightTexts: Readonly<Record<string, string>> = {
  routing: JSON.stringify({ routes: [route(kind, 'only', '/')] }),
  placement: JSON.stringify(pin(['tenant-01'])),
  'feature-flags': JSON.stringify({ flags: { beta: { value: false, tenants: { 'tenant-01': true } } } }),
  'runner-activation': JSON.stringify({ defaults: { charge: 2 }, tenants: { 'tenant-01': { charge: null } } }),
};
