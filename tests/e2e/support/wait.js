import { setTimeout as sleep } from "node:timers/promises";

/** How long anything may take that a test waits for, in milliseconds. */
export const PATIENCE = 60_000;

/**
 * Asks until the answer is as it should be, and returns it. What was answered last is told when patience ends.
 *
 * @template T
 * @param {string} what
 * @param {() => T | Promise<T>} ask
 * @param {(answer: T) => boolean} [holds]
 * @returns {Promise<T>}
 */
export async function until(what, ask, holds = Boolean, patience = PATIENCE) {
  const deadline = Date.now() + patience;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) {
      return answer;
    }
    if (Date.now() > deadline) {
      throw new Error(`${what}: not within ${patience / 1000} s; it is ${JSON.stringify(answer)}`);
    }
    await sleep(25);
  }
}
