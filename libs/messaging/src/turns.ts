/** The turns of one consumer's handler: what comes from its two streams is handled one message at a time, as from one. */
export interface Turns {
  /**
   * Runs work when it is its turn; throws what it throws. `suspect` says that the message already had all its deliveries
   * and none was settled: its handling ended the process, or it waited behind one whose handling did. The first suspect
   * after a start throws RefusedTurn instead, so that each start does away with one; those behind it are handled.
   */
  take(suspect: boolean, work: () => Promise<void>): Promise<void>;
}

/** Thrown to a message that gets no turn. */
export class RefusedTurn extends Error {}

/** Makes the turns of one consumer; they begin with the process. */
export function createTurns(): Turns {
  let last = Promise.resolve();
  let refusedOne = false;
  return {
    take(suspect, work) {
      const turn = last.then(async () => {
        if (suspect && !refusedOne) {
          refusedOne = true;
          throw new RefusedTurn();
        }
        await work();
      });
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}
