/**
 * Makes a function that does some work, one run at a time: calls during a run lead to one more run after it, however
 * many there are. A run that fails counts as done.
 */
export function coalesce(work: () => Promise<unknown>): () => void {
  let running = false;
  let again = false;
  const run = async () => {
    running = true;
    do {
      again = false;
      await work().catch(() => undefined);
    } while (isSet());
    running = false;
  };
  // A function, for the compiler takes a flag that was set to false for one that stays so.
  const isSet = () => again;
  return () => {
    if (running) again = true;
    else void run();
  };
}
