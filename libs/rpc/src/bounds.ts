/** What a call may bring: what goes beyond is refused with a status that says so, before a handler sees anything of it. */
import type { Metadata, ServiceDefinition } from '@grpc/grpc-js';
import { FairleadError, isDeeperThan } from '@fairlead/contracts';
import type { AnyMethod } from './definition.js';

/** The longest message either side takes: a page of a large list fits well. */
export const maxMessageBytes = 16 * 1024 * 1024;
/** Names and values of a call's metadata together, in bytes: a token and the ids of a request fit well. */
export const maxMetadataBytes = 16 * 1024;
/** Messages, lists and objects within each other in a request, and in JSON that it carries as text. The gateway takes bodies of 24. */
export const maxRequestDepth = 32;

/** Stands for a request that can't be read, until it is known who sent it. */
class Unreadable {
  constructor(readonly problem: FairleadError) {}
}

/** The same service, whose handlers get what {@link readable} takes. */
export function bounded(definition: ServiceDefinition): ServiceDefinition {
  return Object.fromEntries(
    Object.entries(definition).map(([name, method]) => {
      const { requestDeserialize } = method as AnyMethod;
      return [name, { ...method, requestDeserialize: (bytes: Buffer) => deserialized(requestDeserialize, bytes) }];
    }),
  );
}

/** The request of a call; throws `invalid_argument` for bytes that are no such message, and for one that is nested too deep. */
export function readable(request: unknown): unknown {
  if (request instanceof Unreadable) throw request.problem;
  return request;
}

function deserialized(deserialize: (bytes: Buffer) => unknown, bytes: Buffer): unknown {
  try {
    const request = deserialize(bytes);
    requireDepth(request);
    return request;
  } catch (error) {
    if (error instanceof FairleadError) return new Unreadable(error);
    const why = 'The request can not be read: it is no message that this RPC takes, or is nested too deep';
    return new Unreadable(new FairleadError('invalid_argument', why, { cause: error }));
  }
}

/** Throws `invalid_argument` for a message that is nested too deep, or that carries such JSON in a field whose name ends in Json. */
export function requireDepth(message: unknown): void {
  let level: unknown[] = [message];
  for (let depth = 0; level.length > 0; depth += 1) {
    const inside: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue;
      if (depth >= maxRequestDepth) throw tooDeep();
      for (const [name, part] of Object.entries(value) as [string, unknown][]) {
        if (typeof part === 'object') inside.push(part);
        else if (typeof part === 'string' && name.endsWith('Json') && isDeeperThan(maxRequestDepth, part)) throw tooDeep();
      }
    }
    level = inside;
  }
}

/** Throws `too_large` for metadata beyond the bound. */
export function requireMetadata(metadata: Metadata): void {
  let bytes = 0;
  for (const [name, values] of Object.entries(metadata.toJSON()))
    for (const value of values) bytes += name.length + (typeof value === 'string' ? Buffer.byteLength(value) : value.length);
  if (bytes > maxMetadataBytes) throw new FairleadError('too_large', `The call's metadata has more than ${String(maxMetadataBytes)} bytes`);
}

function tooDeep(): FairleadError {
  return new FairleadError('invalid_argument', `The request is nested more than ${String(maxRequestDepth)} levels deep`);
}
