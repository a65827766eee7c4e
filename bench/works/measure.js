/** Timing inside a page. */

/** How long it took, in milliseconds. */
export async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** The middle of several timings of short work; `work` is told which turn it is, so that it need not ask twice alike. */
export async function repeated(times, work) {
  const taken = [];
  for (let turn = 0; turn < times; turn += 1) {
    taken.push(await timed(() => work(turn)));
  }
  return median(taken);
}

export function median(numbers) {
  return quantile(numbers, 0.5);
}

/** The number below which that part of the numbers lies. */
export function quantile(numbers, part) {
  const sorted = [...numbers].sort((one, other) => one - other);
  const place = (sorted.length - 1) * part;
  const low = sorted[Math.floor(place)];
  return low + (sorted[Math.ceil(place)] - low) * (place - Math.floor(place));
}

/** Watches for the longest task of the main thread, where the browser tells. */
export function watchTasks() {
  let longest = 0;
  const note = (entries) => {
    for (const { duration } of entries) {
      longest = Math.max(longest, duration);
    }
  };
  if (!PerformanceObserver.supportedEntryTypes.includes("longtask")) {
    return async () => undefined;
  }
  const observer = new PerformanceObserver((list) => note(list.getEntries()));
  observer.observe({ type: "longtask" });
  /** The longest task since the last call, in milliseconds: 0 where none passed 50. */
  return async () => {
    // Entries are told in a task of their own.
    await new Promise((resolve) => setTimeout(resolve, 60));
    note(observer.takeRecords());
    const told = longest;
    longest = 0;
    return told;
  };
}

export function expect(fact, message) {
  if (!fact) {
    throw new Error(message);
  }
}
