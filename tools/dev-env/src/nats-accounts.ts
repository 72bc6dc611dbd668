/** Who may do what on NATS. */
import { topology } from '@fairlead/contracts';

/** The control plane's user, who may do anything with its streams, and that of managed services, who may read placement. */
export const natsUsers = { controlPlane: 'fairlead', fleet: 'fleet' } as const;

/**
 * The part of nats.conf that names accounts and users.
 *
 * Managed services have an account of their own, which gets three things from the control plane's: values of the placement
 * bucket, on request, and each new marker and increment. Rights within one account would not do: there the answer to a request goes to
 * whatever subject the request names, into any stream too, whoever may not publish there (docs/adr/0011).
 * @param given the users' passwords, and the installation's namespace
 */
export function natsAccounts(given: { token: string; fleetToken: string; namespace: string }): string {
  const { buckets, subjects } = topology(given.namespace);
  const { name } = buckets.placement;
  const values = JSON.stringify(`$JS.API.DIRECT.GET.KV_${name}.$KV.${name}.>`);
  const marker = JSON.stringify(`$KV.${name}.marker`);
  const increments = JSON.stringify(subjects.placementIncrements);
  const user = (name: string, password: string) => `user: ${name}, password: ${JSON.stringify(password)}`;
  return `accounts {
  FAIRLEAD {
    jetstream: enabled
    users: [{ ${user(natsUsers.controlPlane, given.token)} }]
    exports: [
      { service: ${values}, accounts: [FLEET] }
      { stream: ${marker}, accounts: [FLEET] }
      { stream: ${increments}, accounts: [FLEET] }
    ]
  }
  FLEET {
    users: [{
      ${user(natsUsers.fleet, given.fleetToken)}
      permissions: { publish: [${values}], subscribe: [${marker}, ${increments}, "_INBOX.>"] }
    }]
    imports: [
      { service: { account: FAIRLEAD, subject: ${values} } }
      { stream: { account: FAIRLEAD, subject: ${marker} } }
      { stream: { account: FAIRLEAD, subject: ${increments} } }
    ]
  }
}
`;
}
