// Randomness that a seed repeats, the same in the page and in Node.

/** A generator for a seed of any number of parts. */
export function random(...parts) {
  let state = 0x811c9dc5;
  for (const character of parts.join("/")) {
    state = Math.imul(state ^ character.codePointAt(0), 0x01000193);
  }
  /** Mulberry32: a number from 0 to 1, without 1. */
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const below = (end) => Math.floor(next() * end);
  const pick = (items) => items[below(items.length)];
  return {
    next,
    /** A whole number below `end`. */
    below,
    pick,
    /** Whether something that happens so often, of 1, happens now. */
    chance: (share) => next() < share,
    /** One of the names, each as often as its weight says. */
    weighted(weights) {
      const names = Object.keys(weights);
      let at = next() * names.reduce((sum, name) => sum + weights[name], 0);
      return names.find((name) => (at -= weights[name]) < 0) ?? names.at(-1);
    },
    /** Some of the items, each at most once, in random order. */
    some(items, count) {
      const left = [...items];
      return Array.from({ length: Math.min(count, left.length) }, () => left.splice(below(left.length), 1)[0]);
    },
    text: (length) => Array.from({ length }, () => String.fromCharCode(97 + below(26))).join(""),
  };
}
