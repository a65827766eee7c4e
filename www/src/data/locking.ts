import type { AutoLock } from "tidekeep";

const key = "fieldbook.lock";

/** After how many seconds without use the keys may lock by themselves. */
export const choices: readonly [seconds: number, label: string][] = [
  [60, "1 minute"],
  [300, "5 minutes"],
  [900, "15 minutes"],
  [3600, "1 hour"],
];
const usual = 300;
const longestHidden = 60;

/** After how many seconds they do, kept over restarts. */
export const lockAfter = {
  get(): number {
    const seconds = Number(localStorage.getItem(key));
    return seconds > 0 ? seconds : usual;
  },
  /** Takes effect when the app starts anew. */
  set: (seconds: number): void => localStorage.setItem(key, String(seconds)),
};

/** How the store is told: sooner where nobody looks. */
export function autoLock(): AutoLock {
  const seconds = lockAfter.get();
  return { idle: seconds * 1000, hidden: Math.min(seconds, longestHidden) * 1000 };
}
