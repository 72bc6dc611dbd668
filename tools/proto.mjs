// Generates libs/contracts/src/generated from proto/, or with --check says whether it is current.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'libs/contracts/src/generated');
const bin = (name) => join(root, 'node_modules/.bin', name);

if (process.argv.includes('--help')) {
  console.log(
    'node tools/proto.mjs [--check]\n  Generates libs/contracts/src/generated from proto/; --check compares instead and fails when it differs.',
  );
  process.exit(0);
}

function generateInto(out) {
  const options = [
    'outputServices=grpc-js',
    'outputClientImpl=false',
    'esModuleInterop=true',
    'importSuffix=.js',
    'forceLong=number',
    'oneof=unions-value',
    'env=node',
    'useOptionals=none',
    'lowerCaseServiceMethods=true',
  ];
  const template = {
    version: 'v2',
    plugins: [{ local: bin('protoc-gen-ts_proto'), out, opt: options, include_imports: true, include_wkt: true }],
  };
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-buf-'));
  const templateFile = join(folder, 'buf.gen.json');
  writeFileSync(templateFile, JSON.stringify(template));
  const result = spawnSync(bin('buf'), ['generate', join(root, 'proto'), '--template', templateFile], { cwd: root, stdio: 'inherit' });
  rmSync(folder, { recursive: true });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** Lists the files below a folder, relative to it and sorted. */
function filesBelow(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true })
    .map(String)
    .filter((f) => statSync(join(dir, f)).isFile())
    .sort();
}

const fresh = mkdtempSync(join(tmpdir(), 'fairlead-proto-'));
generateInto(fresh);
if (process.argv.includes('--check')) {
  const names = new Set([...filesBelow(fresh), ...filesBelow(target)]);
  const stale = [...names].filter((name) => {
    const [a, b] = [join(fresh, name), join(target, name)];
    return !existsSync(a) || !existsSync(b) || readFileSync(a, 'utf8') !== readFileSync(b, 'utf8');
  });
  rmSync(fresh, { recursive: true });
  if (stale.length > 0) {
    console.error(`Generated code is not current: ${stale.join(', ')}\nRun: npm run proto:generate`);
    process.exit(1);
  }
  console.log('Generated code is current.');
} else {
  rmSync(target, { recursive: true, force: true });
  cpSync(fresh, target, { recursive: true });
  rmSync(fresh, { recursive: true });
  console.log(`Generated ${filesBelow(target).length} files in ${relative(root, target)}`);
}
