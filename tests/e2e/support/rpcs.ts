/** Every RPC of every service of a stack, to be called by whoever has a token. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTokenSigner, type PrivateJwk, type TokenSigner } from '@fairlead/auth';
import * as contracts from '@fairlead/contracts';
import { createRpcClient } from '@fairlead/rpc';
import type { Stack } from '@fairlead/dev-env';

/** Which service answers what is declared in a package. */
const addresses: Readonly<Record<string, string>> = {
  'fairlead.audit': 'audit',
  'fairlead.changes': 'api-gateway',
  'fairlead.fleet': 'fleet-observer',
  'fairlead.jobs': 'job-orchestrator',
  'fairlead.placement': 'placement',
  'fairlead.provisioner': 'provisioner',
};

type Definition = typeof contracts.auditV1.AuditServiceService;
type Call = (request: unknown) => Promise<unknown> | AsyncGenerator;

/** What came of a call: `answered`, or the code and details of its error. */
export interface RpcAnswer {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** What was answered, but for a stream. */
  readonly answer?: unknown;
}

/** Requests by `Service/Method`; a field that is left out is empty. */
export type Requests = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Calls every RPC once with an empty request, or those alone that requests are given for; what each answered, by `Service/Method`. */
export async function callAll(stack: Stack, token: string, requests?: Requests): Promise<Record<string, RpcAnswer>> {
  const ports = JSON.parse(readFileSync(join(stack.stateDir, 'ports.json'), 'utf8')) as Record<string, number>;
  const answers: Record<string, RpcAnswer> = {};
  for (const definition of definitions()) {
    const path = Object.values(definition)[0]?.path ?? '';
    const service = addresses[path.slice(1, path.indexOf('.v1'))] ?? '';
    const client = createRpcClient(definition, {
      address: `127.0.0.1:${String(ports[`${service}.grpc`])}`,
      token: () => Promise.resolve(token),
    });
    for (const [name, method] of Object.entries(definition)) {
      const path = method.path.split('.v1.')[1] ?? '';
      if (requests !== undefined && requests[path] === undefined) continue;
      const request = { ...(method.requestDeserialize(Buffer.alloc(0)) as object), ...requests?.[path] };
      answers[path] = await call(client as unknown as Record<string, Call>, name, request);
    }
    client.close();
  }
  return answers;
}

/** Signs tokens as the stack's gateway does. */
export function gatewaySigner(stack: Stack): Promise<TokenSigner> {
  const key = JSON.parse(readFileSync(join(stack.stateDir, 'secrets/api-gateway.key.json'), 'utf8')) as PrivateJwk;
  return createTokenSigner({ privateJwk: key });
}

function definitions(): Definition[] {
  return Object.entries(contracts)
    .filter(([name]) => name.endsWith('V1'))
    .flatMap(([, module]) => Object.entries(module as object))
    .flatMap(([name, value]) => (name.endsWith('ServiceService') ? [value as Definition] : []));
}

async function call(client: Record<string, Call>, name: string, request: unknown): Promise<RpcAnswer> {
  try {
    const answer = client[name]?.(request);
    if (answer !== undefined && 'next' in answer) {
      await answer.next();
      await answer.return(undefined);
      return { code: 'answered', details: {} };
    }
    return { code: 'answered', details: {}, answer: await answer };
  } catch (error) {
    return error instanceof contracts.FairleadError ? error : { code: String(error), details: {} };
  }
}
