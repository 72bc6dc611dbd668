/**
 * The API: requests to the gateway beside a bare Fastify app that does the same for real; the check of a permission.
 *
 * What is compared, and on which terms. A whole control plane, each service in a process of its own as in production, on a Postgres with fsync on;
 * and the peer, a process with the same Node flags, on the same Postgres. A load generator in a third process keeps 32
 * connections open, on each of which the next request goes when the one before is answered, and holds every answer's status and body against the right one. The
 * servers have their turns in rounds, in changing order, after a time to warm up, and a row's ratio is the median of its rounds'
 * ratios. The gateway's settings are those of production but for two: `RATE_LIMIT_PER_MINUTE` is 10,000,000, since all requests are one
 * user's (each is counted all the same), and access tokens live for a day.
 *
 * - The peer verifies the EdDSA access token by the gateway's JWKS and remembers it by its hash until it ends, as we do; checks
 *   a role; validates parameters by zod; logs a line of each request by pino to a file; asks the same statements by a pool of the same size; and
 *   answers the very same bytes. What the gateway does besides is its own affair and counts: ids and traces of requests, rate limits, security
 *   headers, metrics, scopes of permissions, Nest.
 * - Rows `by gRPC` have no goal: the gateway asks the service that has the answer, the peer has the bytes in memory.
 * - CPU, by /proc, is that of the server's process; then with PostgreSQL and the service that was asked. Load, servers and PostgreSQL share the
 *   machine: where its processors are the limit, throughput leaves the faster server less room than it would have alone, and CPU does not.
 * - `permissions`: `may` for a principal with a role on 50 parts of the platform, the making of the paths included; the peer is the limit that is set.
 */
import { measurePermissions } from './api/checks.js';
import { measureRequests } from './api/requests.js';
import { runBench } from './run.js';

await runBench({ name: 'api', parts: { requests: measureRequests, permissions: measurePermissions } });
