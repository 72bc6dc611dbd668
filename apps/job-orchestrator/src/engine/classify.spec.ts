import { describe, expect, it } from '@jest/globals';
import { FairleadError } from '@fairlead/contracts';
import { outcomeOfError } from './classify.js';

describe('what an error means for a step', () => {
  it('tells a service that is away by its name and the stable code, and nothing of how the call failed', () => {
    const cause = new Error(
      '14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED 127.0.0.1:13812. Resolution note: ',
    );
    expect(outcomeOfError(new FairleadError('service_unreachable', "placement can't be reached", { cause }))).toEqual({
      outcome: 'retry',
      error: { code: 'service_unreachable', message: "placement can't be reached" },
    });
  });

  it('fails the step for a definite refusal, and tries again what nobody has refused', () => {
    expect(outcomeOfError(new FairleadError('shard_in_use', 'it has tenants'))).toEqual({
      outcome: 'failed',
      error: { code: 'shard_in_use', message: 'it has tenants' },
    });
    expect(outcomeOfError(new Error('a bug'))).toEqual({ outcome: 'retry', error: { code: 'internal', message: 'a bug' } });
  });
});
