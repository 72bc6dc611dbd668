/** Makes the CA and the certificates of an installation. Prints no key. */
import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import { describeError } from '@fairlead/contracts';
import { prepareCertificates } from './certificates.js';

const usage = `node tools/dev-env/dist/make-certs.js [options] <dir>
  Makes a CA in <dir>/ca, and in <dir>/secrets a certificate for each service, for the proxy before the gateways, for managed
  services, for NATS and for PostgreSQL.
  What is there stays, except certificates with less than a third of their time left. <dir>/ca/ca.key signs certificates: keep it
  where no service is; <dir>/secrets is what services read.

  --days N       how long certificates last that are made (default 90)
  --renew        replaces all certificates
  --new-ca       makes another CA, which is trusted beside the one before; then --renew, then --drop-old-ca
  --drop-old-ca  the newest CA alone is trusted`;

async function main(args: string[]): Promise<number> {
  let given;
  try {
    given = parseArgs({
      args,
      allowPositionals: true,
      options: {
        days: { type: 'string', default: '90' },
        renew: { type: 'boolean', default: false },
        'new-ca': { type: 'boolean', default: false },
        'drop-old-ca': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    console.error(`${describeError(error)}\n\n${usage}`);
    return 1;
  }
  const { values, positionals } = given;
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const [dir, ...rest] = positionals;
  const days = /^\d{1,4}$/.test(values.days) ? Number(values.days) : 0;
  if (dir === undefined || rest.length > 0 || days < 1) {
    console.error(usage);
    return 1;
  }
  const { renew, 'new-ca': newCa, 'drop-old-ca': dropOldCa } = values;
  const { issued } = await prepareCertificates(resolve(dir), { days, renew, newCa, dropOldCa });
  console.log(issued.length === 0 ? 'The certificates are in place' : `New certificates: ${issued.join(', ')}`);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`The certificates can't be made: ${describeError(error)}`);
  process.exitCode = 1;
}
