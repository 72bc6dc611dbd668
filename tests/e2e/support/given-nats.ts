/** A stack uses the NATS server that CONTROL_TEST_NATS_URL names, in a namespace of each test file's own, else one of its own. */
import { randomBytes } from 'node:crypto';

const { env } = process;
const url = env['CONTROL_TEST_NATS_URL'] ?? '';

for (const name of ['NATS_URL', 'NATS_USER', 'NATS_TOKEN', 'NATS_TOKEN_FILE', 'NATS_NAMESPACE']) Reflect.deleteProperty(env, name);
if (url !== '') {
  env['NATS_URL'] = url;
  env['NATS_NAMESPACE'] = `t${randomBytes(6).toString('hex')}`;
  const token = env['CONTROL_TEST_NATS_TOKEN'] ?? '';
  if (token !== '') env['NATS_TOKEN'] = token;
}
