/**
 * Profiling: what the calls of a store take, as entries of the browser's own timeline and as figures.
 *
 * The calls are wrapped on the handles of a store that asked for it. A store that did not has nothing of this.
 */

/** The shortest time that is told from another, in milliseconds, and by how much each step is longer than the one before. */
const SHORTEST = 0.001;
const STEP = 1.1;
/** The last step stands for everything from about five minutes. */
const STEPS = 206;
/** The most entries of one name that stay in the timeline: it keeps what nobody clears. */
const MAX_ENTRIES = 1000;

/**
 * How long calls took, in a space that does not grow: how many fell into each step of a scale by powers. A percentile is
 * the middle of its step, so it is off by a twentieth at the most.
 */
export class Latencies {
  #steps = new Uint32Array(STEPS);
  count = 0;
  errors = 0;
  max = 0;

  add(ms) {
    const step = ms > SHORTEST ? Math.min(STEPS - 1, Math.ceil(Math.log(ms / SHORTEST) / Math.log(STEP))) : 0;
    this.#steps[step] += 1;
    this.count += 1;
    this.max = Math.max(this.max, ms);
  }

  /** The time that this part of the calls took at the most. */
  percentile(part) {
    let left = Math.max(1, Math.ceil(part * this.count));
    const step = this.#steps.findIndex((count) => (left -= count) <= 0);
    return step < 0 ? 0 : Math.min(this.max, step === 0 ? SHORTEST : SHORTEST * STEP ** (step - 0.5));
  }

  toJSON() {
    const { count, errors, max } = this;
    return { count, errors, p50: this.percentile(0.5), p95: this.percentile(0.95), max };
  }
}

/** What the calls of one store took. */
class Profiler {
  #since = new Date();
  #operations = new Map();
  #rounds = new Latencies();
  #sums = { pushed: 0, pulled: 0, conflicts: 0, failed: 0 };
  #last;

  constructor(backend) {
    this.backend = backend;
  }

  /** Notes a call that has ended; `failure` has the code of its error. */
  ended(operation, start, failure) {
    const end = performance.now();
    let latencies = this.#operations.get(operation);
    if (!latencies) this.#operations.set(operation, (latencies = new Latencies()));
    latencies.add(end - start);
    if (failure) latencies.errors += 1;
    const name = `tidekeep.${operation}`;
    if (latencies.count % MAX_ENTRIES === 0) performance.clearMeasures(name);
    const detail = { backend: this.backend, ...failure };
    performance.measure(name, { start, end, detail });
  }

  /** Notes a round of sync that has ended; a status tells of the last one, again and again. */
  round({ lastReport }) {
    if (!lastReport || lastReport.at.getTime() === this.#last) return;
    this.#last = lastReport.at.getTime();
    this.#rounds.add(lastReport.durationMs);
    for (const name of Object.keys(this.#sums)) this.#sums[name] += lastReport[name];
  }

  metrics() {
    const { count: rounds, p50, p95, max } = this.#rounds.toJSON();
    const operations = [...this.#operations].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      backend: this.backend,
      since: new Date(this.#since),
      operations: Object.fromEntries(operations.map(([operation, latencies]) => [operation, latencies.toJSON()])),
      sync: { rounds, ...this.#sums, p50, p95, max },
    };
  }
}

/** What a handle is asked that is no call of its own. */
const PASSED = new Set(['constructor', 'free', 'metrics', 'collection', 'namespace', 'on']);

const define = (target, name, value) => Object.defineProperty(target, name, { value, configurable: true, writable: true });

/** Wraps every call of a handle that answers with a promise. */
function measured(handle, prefix, profiler) {
  const methods = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(handle));
  for (const [name, { value: method }] of Object.entries(methods)) {
    if (typeof method !== 'function' || PASSED.has(name) || name.startsWith('__')) continue;
    const operation = prefix + name;
    define(handle, name, (...given) => {
      const start = performance.now();
      const answer = method.apply(handle, given);
      if (typeof answer?.then !== 'function') return answer;
      return answer.then(
        (value) => {
          profiler.ended(operation, start);
          return value;
        },
        (error) => {
          profiler.ended(operation, start, { error: String(error?.code ?? error?.name) });
          throw error;
        },
      );
    });
  }
  return handle;
}

/** Measures the calls of an open store, and of every handle that it gives. Opening it began at `start`. */
export function profiled(store, start) {
  const profiler = new Profiler(store.getInfo().type);
  profiler.ended('createStorage', start);
  const handles = Object.getPrototypeOf(store);
  for (const name of ['collection', 'namespace']) {
    define(store, name, (...given) => measured(handles[name].apply(store, given), '', profiler));
  }
  for (const name of ['credentials', 'sync']) {
    define(store, name, measured(store[name], `${name}.`, profiler));
  }
  store.on('sync', (status) => profiler.round(status));
  define(store, 'metrics', () => profiler.metrics());
  return measured(store, '', profiler);
}
