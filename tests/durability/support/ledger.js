import { isDeepStrictEqual } from "node:util";
import { apply, empty, operation } from "../page/program.js";

/** How many acknowledgements may have been on their way when the writer died. */
const ON_THE_WAY = 5000;

/**
 * What the lanes of one profile have been acknowledged, told from outside of the browser, and what must therefore be
 * there.
 *
 * @param {number} seed
 * @param {string[]} ways
 * @param {number} perWay How many lanes write to each store at once.
 * @param {{ loses?: boolean, largest?: number }} [options] `loses`: the last acknowledgements of a session may be lost,
 *   and are counted. `largest`: the characters of the longest text.
 */
export function ledger(seed, ways, perWay, { loses = false, largest = 60_000 } = {}) {
  const program = { seed, largest };
  const lanes = ways.flatMap((way) =>
    Array.from({ length: perWay }, (_, number) => ({ way, lane: `${way}${number}`, state: empty(), at: 0, acknowledged: 0, touched: new Set() })),
  );
  const byName = new Map(lanes.map((lane) => [lane.lane, lane]));
  /** Where every lane stood after the sessions that are over. */
  const stood = [];
  const book = {
    acknowledged: 0,
    lost: 0,
    sessionsWithLoss: 0,
    /** How often a store was found empty, and said so by its `lost` event. */
    told: 0,
    /** What went against the promises. */
    problems: [],
    /** How many index entries were compared with records. */
    entries: 0,
    /** What acknowledgements said that they have survived. */
    durability: {},

    /** A new session of writing; without ways, to all stores. */
    begin(only = ways) {
      book.session = stood.length;
      const writing = lanes.filter(({ way }) => only.includes(way));
      return { ...program, session: stood.length, lanes: writing.map(({ way, lane, at }) => ({ way, lane, from: at })) };
    },

    /** Takes in what the page says. */
    report({ session, lane: name, done, durability, failed }) {
      if (failed) {
        return void book.problems.push(`${name}: refused: ${failed}`);
      }
      const lane = byName.get(name);
      book.acknowledged += 1;
      if (durability) {
        const said = (book.durability[lane.way] ??= {});
        said[durability] = (said[durability] ?? 0) + 1;
      }
      if (session === stood.length) {
        lane.acknowledged = Math.max(lane.acknowledged, done);
      } else if (!loses && done > stood[session][name]) {
        book.problems.push(`${name}: lost: ${done} operations were acknowledged, as was heard later, and ${stood[session][name]} are there`);
      }
    },

    /** Ends a session: compares what the stores hold with what must be there. */
    check(found) {
      let lost = 0;
      const begunAnew = new Set();
      for (const [way, { lanes: held, pending, indexes, lost: told }] of Object.entries(found)) {
        if (told && Object.keys(held).length === 0) {
          book.told += 1;
          begunAnew.add(way);
          for (const lane of lanes.filter((lane) => lane.way === way)) beginAnew(lane);
        }
        for (const lane of lanes.filter((lane) => lane.way === way)) {
          const { acknowledged } = lane;
          catchUp(program, lane, held[lane.lane] ?? empty(), loses, book.problems);
          lost += Math.max(0, acknowledged - lane.at);
        }
        book.entries += indexes.entries;
        book.problems.push(...indexes.differences.map((difference) => `${way}: index ${difference}`));
        if (pending) {
          checkPending(lanes.filter((lane) => lane.way === way), pending, book.problems);
        }
      }
      book.lost += lost;
      book.sessionsWithLoss += lost > 0 ? 1 : 0;
      // What is heard later of a store that was lost has been lost with it.
      stood.push(Object.fromEntries(lanes.map(({ way, lane, at }) => [lane, begunAnew.has(way) ? Infinity : at])));
      for (const lane of lanes) lane.acknowledged = lane.at;
    },
  };
  return book;
}

/** A lane of a store that was lost, and said so: it is empty, and goes on behind what was acknowledged. */
function beginAnew(lane) {
  lane.state = empty();
  lane.at = lane.acknowledged;
  lane.touched.clear();
}

/** Goes on with a lane to the state that the store holds: that of some operation at or after the last acknowledged. */
function catchUp(program, lane, found, loses, problems) {
  const last = lane.acknowledged + ON_THE_WAY;
  let wanted;
  for (; ; step(program, lane)) {
    if (lane.at >= lane.acknowledged || loses) {
      if (isDeepStrictEqual(lane.state, found)) return;
    }
    if (lane.at === lane.acknowledged) wanted = difference(lane.state, found);
    if (lane.at === last) {
      return void problems.push(`${lane.lane}: after ${lane.acknowledged} acknowledged operations: ${wanted}`);
    }
  }
}

function step(program, lane) {
  const does = operation(program, lane.lane, lane.at);
  apply(lane.state, does);
  for (const { id } of does.records ?? []) lane.touched.add(id);
  lane.at += 1;
}

/** What replicates and is there waits to be sent, and nothing does that was never written. */
function checkPending(lanes, pending, problems) {
  const waiting = new Set(pending);
  for (const { lane, state, touched } of lanes) {
    const missing = Object.keys(state.notes).filter((id) => !waiting.has(id));
    const strange = pending.filter((id) => id.startsWith(`${lane}:`) && !touched.has(id));
    if (missing.length + strange.length > 0) {
      problems.push(`${lane}: not in the outbox: ${missing.join(", ")}; there without a write: ${strange.join(", ")}`);
    }
  }
}

/** Where a store differs from what was acknowledged last. */
function difference(wanted, found) {
  const parts = ["notes", "entries"].flatMap((part) => {
    const keys = [...new Set([...Object.keys(wanted[part]), ...Object.keys(found[part])])].sort();
    const differing = keys.filter((key) => !isDeepStrictEqual(wanted[part][key], found[part][key]));
    return differing.map((key) => `${key} is ${short(found[part][key])}, not ${short(wanted[part][key])}`);
  });
  return parts.join("; ");
}

const short = (row) => JSON.stringify(row, (name, value) => (name === "text" ? `${value.length} characters` : value)) ?? "absent";
