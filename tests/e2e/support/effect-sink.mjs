// Where the steps of toy jobs have their effects, as a process of its own: a receiver as the docs ask for one. It remembers the
// highest fence of each resource and refuses lower ones, and acts once for each key. node effect-sink.mjs; tells its URL by IPC.
import { createServer } from 'node:http';

/** Effects in their order, keys that have acted, and the highest fence of each resource. */
const applied = [];
const keys = new Set();
const fences = new Map();
const refused = [];
let repeated = 0;

function act({ key, resource, fence }) {
  const highest = fences.get(resource) ?? 0;
  if (fence < highest) {
    refused.push({ key, resource, fence, highest });
    return { status: 409, answer: { refused: 'stale', highest } };
  }
  fences.set(resource, fence);
  if (keys.has(key)) repeated += 1;
  else {
    keys.add(key);
    applied.push({ key, resource, fence });
  }
  return { status: 200, answer: {} };
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { status, answer } =
      request.method === 'POST'
        ? act(JSON.parse(Buffer.concat(chunks).toString('utf8')))
        : { status: 200, answer: { applied, refused, repeated } };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
// Ends with whoever started it.
process.on('disconnect', () => process.exit(0));
