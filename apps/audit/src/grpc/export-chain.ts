import { z } from 'zod';
import type { chainV1 } from '@fairlead/contracts';
import { streamRpc, type StreamRpc } from '@fairlead/rpc';
import { runInContext } from '@fairlead/telemetry';
import { beginExport, exportLines, type ExportDeps } from '../chain/export-chain.js';
import { parseInput } from './input.js';
import { positionInput } from './log-events.js';

const requestSchema = z.object({ fromPosition: positionInput, toPosition: positionInput });

/** Hands out a range of events, once the event is committed that says to whom. */
export const exportChain = (deps: ExportDeps): StreamRpc<chainV1.ExportChainRequest, chainV1.ExportChainResponse> =>
  streamRpc({ permission: 'audit.export' }, async function* (request, { context, signal }) {
    const { fromPosition: from, toPosition: to } = parseInput(requestSchema, request);
    const range = await runInContext(context, () => beginExport(deps, { from, to }));
    for await (const lines of exportLines(deps, range)) {
      if (signal.aborted) return;
      yield { lines };
    }
  });
