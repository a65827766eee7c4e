/** Folds calls that come close together into one, `delay` milliseconds after the first. */
export function soon(task: () => void, delay = 60): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      task();
    }, delay);
  };
}

/** Lets only the newest of overlapping calls answer; the others resolve with `undefined`. */
export function newest<A extends unknown[], R>(
  task: (...args: A) => Promise<R>,
): (...args: A) => Promise<R | undefined> {
  let round = 0;
  return async (...args) => {
    const mine = ++round;
    const result = await task(...args);
    return mine === round ? result : undefined;
  };
}
