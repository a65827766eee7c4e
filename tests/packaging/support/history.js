// Whether a history of transactions is serializable.

/**
 * Replays the transactions that wrote in the order of their commits, and looks whether each saw just what there was; one
 * that only read must have seen what there was between two commits.
 *
 * @param {{ id: string, steps: object[] }[]} history
 * @param {string[]} order The ids of those that wrote.
 * @returns What did not fit, what must be stored in the end, and before how many of the commits each took place.
 */
export function replay(history, order) {
  const byId = new Map(history.map((transaction) => [transaction.id, transaction]));
  const anomalies = [];
  const places = new Map();
  let state = { cells: new Map(), counter: 0 };
  const states = [state];
  for (const id of order) {
    const transaction = byId.get(id);
    if (!transaction) {
      anomalies.push(`${id} was committed and rejected`);
      continue;
    }
    const { after, wrong } = apply(state, transaction.steps);
    if (wrong) anomalies.push(`${id}: ${wrong}`);
    places.set(id, states.length - 1);
    states.push((state = after));
  }
  const written = new Set(order);
  for (const { id, steps } of history) {
    if (written.has(id)) continue;
    const place = states.findIndex((between) => apply(between, steps).wrong === undefined);
    if (steps.some(({ put, gone, counter }) => put ?? gone ?? counter !== undefined)) anomalies.push(`${id} resolved and was not committed`);
    else if (place >= 0) places.set(id, place);
    else anomalies.push(`${id} read what there never was: ${JSON.stringify(steps)}`);
  }
  return { anomalies, places, final: { cells: rows(state), counter: state.counter } };
}

const rows = ({ cells }) => [...cells].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, { write }]) => `${id}=${write}`);

/** The state after some steps, and the first that saw something else. */
function apply(before, steps) {
  const state = { cells: new Map(before.cells), counter: before.counter };
  let wrong;
  const expect = (step, found, wanted) => {
    if (JSON.stringify(found) !== JSON.stringify(wanted)) wrong ??= `${JSON.stringify(step)}, and there was ${JSON.stringify(wanted)}`;
  };
  for (const step of steps) {
    if ("get" in step) expect(step, step.saw, state.cells.get(step.get)?.write ?? null);
    else if ("first" in step) expect(step, step.saw, rows(state).slice(0, step.first));
    else if ("count" in step) expect(step, step.count, state.cells.size);
    else if ("put" in step) state.cells.set(step.put, step);
    else if ("gone" in step) expect(step, step.was, state.cells.delete(step.gone));
    else if ("counter" in step) {
      expect(step, step.counter, state.counter);
      state.counter = step.counter + 1;
    } else expect(step, step.saw, rows({ cells: new Map([...state.cells].filter(([, cell]) => cell.group === step.group)) }));
  }
  return { after: state, wrong };
}

/**
 * The transactions on a cycle of the graph of dependencies: who read what whom wrote, who overwrote it, and who wrote
 * what another had read before. Of a serializable history there are none. Sources: Adya, Liskov, O'Neil, “Generalized
 * isolation level definitions”, 2000, for reads of single records.
 */
export function cyclic(history, order, places) {
  const byId = new Map(history.map((transaction) => [transaction.id, transaction]));
  // The versions of each record, in order: by whom, and what a reader sees of it.
  const versions = new Map();
  const of = (key) => versions.get(key) ?? versions.set(key, [{ by: null, write: null }]).get(key);
  for (const id of order) {
    const last = new Map();
    for (const { put, gone, was, write } of byId.get(id)?.steps ?? []) {
      if (put) last.set(put, write);
      if (gone && (was || last.has(gone))) last.set(gone, null);
    }
    for (const [key, write] of last) of(key).push({ by: id, write });
  }
  const edges = new Map(history.map(({ id }) => [id, new Set()]));
  const edge = (from, to) => from && to && from !== to && edges.get(from)?.add(to);
  for (const list of versions.values()) list.forEach(({ by }, at) => edge(by, list[at + 1]?.by));
  for (const { id, steps } of history) {
    const own = new Set();
    for (const { get, saw, put, gone } of steps) {
      if (put ?? gone) own.add(put ?? gone);
      if (get === undefined || own.has(get)) continue;
      // Absence has no name of its own: the last one before the reader's own place is meant.
      const before = (by) => by === null || places.get(by) < (places.get(id) ?? 0);
      const at = of(get).findLastIndex(({ by, write }) => write === saw && (saw !== null || before(by)));
      edge(of(get)[at]?.by, id);
      edge(id, of(get)[at + 1]?.by);
    }
  }
  return onCycles(edges);
}

/** What is left of a graph once everything that has no way in, or no way out, is taken away again and again. */
function onCycles(edges) {
  const left = new Map([...edges].map(([id, to]) => [id, new Set(to)]));
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    const reached = new Set([...left.values()].flatMap((to) => [...to]));
    for (const [id, to] of left) {
      for (const other of to) if (!left.has(other)) to.delete(other);
      if (to.size === 0 || !reached.has(id)) left.delete(id);
    }
  }
  return [...left.keys()];
}
