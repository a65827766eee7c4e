/** What was measured in a run, by engine and work. */

import { median } from "../works/measure.js";

export class Timings {
  #taken = new Map();
  #tasks = new Map();

  add(engine, { taken, tasks }) {
    collect(this.#taken, engine, taken);
    collect(this.#tasks, engine, tasks);
  }

  /** The median over the rounds, with the least and the greatest; nothing where the engine has no such work. */
  of(engine, work) {
    const taken = this.#taken.get(`${engine} ${work}`);
    return taken && { median: median(taken), least: Math.min(...taken), greatest: Math.max(...taken) };
  }

  /** How often the time of the baseline it took. */
  ratio(engine, work, baseline = "raw", its = work) {
    const [one, other] = [this.of(engine, work), this.of(baseline, its)];
    return one && other && one.median / other.median;
  }

  /** The longest task of the main thread in any round, where the browser told. */
  longestTask(engine, work) {
    const tasks = this.#tasks.get(`${engine} ${work}`)?.filter((task) => task !== undefined && task !== null) ?? [];
    return tasks.length > 0 ? Math.max(...tasks) : undefined;
  }
}

function collect(into, engine, entries) {
  for (const [work, value] of Object.entries(entries)) {
    const key = `${engine} ${work}`;
    into.set(key, [...(into.get(key) ?? []), value]);
  }
}

/** A time in milliseconds, with as many digits as say something. */
export function shown(milliseconds) {
  if (milliseconds === undefined) {
    return "–";
  }
  return milliseconds >= 100 ? milliseconds.toFixed(0) : milliseconds.toFixed(milliseconds >= 10 ? 1 : 2);
}

/** The medians as a table of text. */
export function summary(title, works, engines, timings) {
  const rows = works.map(([work]) => [work, ...engines.map((engine) => shown(timings.of(engine, work)?.median))]);
  return [[title, ...engines], ...rows].map((row) => row.map((cell) => cell.padEnd(13)).join("")).join("\n");
}
