/** Who may do what on NATS. */
import { topology } from '@fairlead/contracts';

/** The control plane's user, who may do anything with its streams, and that of managed services, who may read placement and configuration. */
export const natsUsers = { controlPlane: 'fairlead', fleet: 'fleet' } as const;

/**
 * The part of nats.conf that names accounts and users.
 *
 * Managed services have an account of their own, which gets this from the control plane's: values of the buckets of placement and configuration, on
 * request, each new marker and increment, and each document that changes. Rights within one account would not do: there the answer to a request goes to
 * whatever subject the request names, into any stream too, whoever may not publish there (docs/adr/0011).
 * @param given the users' passwords, and the installation's namespace
 */
export function natsAccounts(given: { token: string; fleetToken: string; namespace: string }): string {
  const { buckets, subjects } = topology(given.namespace);
  const valuesOf = (name: string) => JSON.stringify(`$JS.API.DIRECT.GET.KV_${name}.$KV.${name}.>`);
  const services = [valuesOf(buckets.placement.name), valuesOf(buckets.config.name)];
  const streams = [`$KV.${buckets.placement.name}.marker`, subjects.placementIncrements, `$KV.${buckets.config.name}.>`].map((subject) =>
    JSON.stringify(subject),
  );
  const lines = (texts: readonly string[]) => texts.map((text) => `      ${text}`).join('\n');
  const user = (name: string, password: string) => `user: ${name}, password: ${JSON.stringify(password)}`;
  return `accounts {
  FAIRLEAD {
    jetstream: enabled
    users: [{ ${user(natsUsers.controlPlane, given.token)} }]
    exports: [
${lines(services.map((subject) => `{ service: ${subject}, accounts: [FLEET] }`))}
${lines(streams.map((subject) => `{ stream: ${subject}, accounts: [FLEET] }`))}
    ]
  }
  FLEET {
    users: [{
      ${user(natsUsers.fleet, given.fleetToken)}
      permissions: { publish: [${services.join(', ')}], subscribe: [${streams.join(', ')}, "_INBOX.>"] }
    }]
    imports: [
${lines(services.map((subject) => `{ service: { account: FAIRLEAD, subject: ${subject} } }`))}
${lines(streams.map((subject) => `{ stream: { account: FAIRLEAD, subject: ${subject} } }`))}
    ]
  }
}
`;
}
