import { FairleadError } from '@fairlead/contracts';
import type { Rpc } from '@fairlead/rpc';
import { configError } from '../../config/domain/problems.js';

/** An RPC that reads documents: while the store that holds them is away it throws `config_source`, as for everything that is to be read and can't be. */
export function ofStore<Request, Response>(one: Rpc<Request, Response>): Rpc<Request, Response> {
  return {
    ...one,
    handle: async (request, call) => {
      try {
        return await one.handle(request, call);
      } catch (error) {
        if (!(error instanceof FairleadError) || error.code !== 'unavailable') throw error;
        throw configError('config_source', [{ pointer: '', detail: "the store of documents can't be reached right now" }]);
      }
    },
  };
}
