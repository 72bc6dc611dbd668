/** One answer for all who ask at about the same time: it is made once and told for so long, and only one is made at a time. */
export function keptFor<T>(keepMs: number, make: () => Promise<T>, now: () => number = () => performance.now()): () => Promise<T> {
  let kept: { readonly answer: Promise<T>; readonly untilMs: number } | undefined;
  return () => {
    if (kept !== undefined && now() < kept.untilMs) return kept.answer;
    const answer = make();
    const begun = (kept = { answer, untilMs: Infinity });
    const settled = (keep: boolean) => {
      if (kept === begun) kept = keep ? { answer, untilMs: now() + keepMs } : undefined;
    };
    answer.then(
      () => {
        settled(true);
      },
      () => {
        settled(false);
      },
    );
    return answer;
  };
}
