/** Makes the keys, passwords and tokens of an installation in containers. Prints none of them. */
import { resolve } from 'node:path';
import { describeError } from '@fairlead/contracts';
import { handOutSecrets, prepareContainerSecrets } from './container-secrets.js';

const usage = `node tools/dev-env/dist/make-secrets.js [--simulated-fleet] <dir> [<dir for readers>]
  Makes the secrets that <dir>/secrets has not got yet, each a file that its owner alone may read. What is there stays.
  With a second folder, each service also gets <dir for readers>/<service> with copies of those that it needs.
  --simulated-fleet  the services trust the key that registers the simulated fleet; not for production`;

async function main(args: readonly string[]): Promise<number> {
  const fleetOption = '--simulated-fleet';
  const [dir, readers, ...rest] = args.filter((arg) => arg !== fleetOption);
  if (args.includes('--help')) {
    console.log(usage);
    return 0;
  }
  if (dir === undefined || [dir, readers].some((path) => path?.startsWith('-')) || rest.length > 0) {
    console.error(usage);
    return 1;
  }
  const files = await prepareContainerSecrets(resolve(dir), { simulatedFleet: args.includes(fleetOption) });
  if (readers !== undefined) handOutSecrets(resolve(readers), files);
  console.log('The secrets are in place');
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`The secrets can't be made: ${describeError(error)}`);
  process.exitCode = 1;
}
