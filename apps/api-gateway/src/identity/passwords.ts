import { hash, verify } from '@node-rs/argon2';
import { FairleadError } from '@fairlead/contracts';

/** OWASP's second choice for argon2id: 19 MiB, two passes, one lane. */
const argon2id = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

const maxRunning = 2;
const maxQueued = 200;
/** Of one address: a flood from there leaves the others their turns. */
const maxQueuedPerAddress = 20;

/** Hashes and checks passwords, a few at a time: each takes a core and 19 MiB. */
export interface Passwords {
  hash(password: string): Promise<string>;
  /**
   * Checks a password; without a hash (no such user) it takes as long and answers false. `before` runs when it is its
   * turn. Throws `rate_limited` when too many wait that come from the same address; '' for a caller who is known.
   */
  matches(hashed: string | undefined, password: string, turn: { address: string; before?: () => void | Promise<void> }): Promise<boolean>;
}

/** Makes the password checker of one process. Throws `overloaded` from its methods when too many wait. */
export async function createPasswords(): Promise<Passwords> {
  const decoy = await hash('no such user', argon2id);
  const inTurn = createTurns(maxRunning, maxQueued);
  return {
    hash: (password) => inTurn('', () => hash(password, argon2id)),
    matches: (hashed, password, { address, before }) =>
      inTurn(address, async () => {
        await before?.();
        const equal = await verify(hashed ?? decoy, password);
        return equal && hashed !== undefined;
      }),
  };
}

function createTurns(running: number, queued: number): <T>(address: string, work: () => Promise<T>) => Promise<T> {
  let free = running;
  const waiting: { address: string; go: () => void }[] = [];
  return async (address, work) => {
    if (free > 0) free -= 1;
    else {
      if (address !== '' && waiting.filter((one) => one.address === address).length >= maxQueuedPerAddress)
        throw new FairleadError('rate_limited', 'Too many logins from this address are waiting', { details: { retry_after_seconds: 1 } });
      if (waiting.length >= queued) throw new FairleadError('overloaded', 'Too many logins are waiting; try again in a moment');
      await new Promise<void>((go) => waiting.push({ address, go }));
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next.go();
    }
  };
}
