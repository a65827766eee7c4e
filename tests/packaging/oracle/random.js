// Records, filters, sorts and pages from a seed. The domain is small, so that values meet.

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
function stream(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What draws from a seed. */
export function draws(seed) {
  const next = stream(seed);
  const below = (n) => Math.floor(next() * n);
  const one = (list) => list[below(list.length)];
  const some = (most, make) => Array.from({ length: below(most + 1) }, make);
  const chance = (part) => next() < part;
  return { below, one, some, chance };
}

// Not -0: an index that WebKit keeps in memory, as in private windows, gives only one of the rows under 0 and -0.
const NUMBERS = [0, 1, 2, 3, -1, 0.5, -7, Infinity];
const TEXTS = ["", "a", "ab", "b", "A", "é", "\u{1F600}", "\uFFFD", "aé"];
const FIELDS = ["a", "b", "tags", "in.x", "id", "$key", "$tags", "$meta.m", "$version", "none"];
const INDEXED = ["a", "a", "b", "b", "tags", "tags", "in.x", "$tags", "$meta.m"];

/** Draws for one program; `plain`: without arrays, bytes, objects and undefined, of which other databases think otherwise. */
export function drawing(seed, plain) {
  const { below, one, some, chance } = draws(seed);
  const key = (depth = 0) => {
    const kind = below(plain ? 10 : 12);
    if (kind < 5) return one(NUMBERS);
    if (kind < 9) return one(TEXTS);
    if (kind < 10) return new Date(below(3));
    if (kind < 11) return new Uint8Array(some(2, () => below(3)));
    return depth > 1 ? 1 : some(3, () => key(depth + 1));
  };
  const value = () => {
    const kind = below(20);
    if (kind < 14) return key();
    if (kind < 16) return one([true, false]);
    if (kind < 17) return null;
    if (plain || kind < 18) return one(TEXTS);
    return one([{}, { x: 1 }, NaN, undefined, [1, null], [{}, "a"], ["a", true], [undefined], [[1], 1, 1]]);
  };
  const record = (id) => {
    const made = { id };
    if (chance(0.8)) made.a = value();
    if (chance(0.8)) made.b = value();
    if (chance(0.7)) made.tags = chance(0.8) || plain ? some(3, () => one(TEXTS.slice(0, 4))) : value();
    if (chance(0.5)) made.in = chance(0.8) || plain ? { x: value() } : value();
    const options = {};
    if (chance(0.6)) options.tags = some(3, () => one(TEXTS.slice(1, 4)));
    if (chance(0.6)) options.metadata = { m: value() };
    if (chance(0.1)) options.expiration = new Date(1);
    return { value: made, options };
  };
  const records = () => {
    const ids = new Map(some(24, () => (plain || chance(0.7) ? below(40) : key())).map((id) => [`${typeof id} ${JSON.stringify(id)} ${id}`, id]));
    return [...ids.values()].map(record);
  };
  const operand = (operator) => {
    switch (operator) {
      case "in": case "nin": return some(3, () => (chance(0.9) ? key() : one([null, true])));
      case "between": {
        const from = key();
        const type = (item) => Object.prototype.toString.call(item);
        let to = key();
        for (let tries = 0; type(to) !== type(from) && tries < 9; tries += 1) to = key();
        return type(to) === type(from) ? [from, to] : [from, from];
      }
      case "startsWith": case "endsWith": return one(TEXTS);
      case "exists": return chance(0.5);
      case "gt": case "gte": case "lt": case "lte": return key();
      default: return chance(0.85) ? key() : one([null, true, false]);
    }
  };
  const OPERATORS = ["eq", "eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "between", "contains", "contains", "startsWith", "endsWith", "exists"];
  const condition = () => {
    const operator = one(OPERATORS);
    const made = { field: one(chance(0.7) ? INDEXED : FIELDS), operator, value: operand(operator) };
    if ((operator === "ne" || operator === "nin") && chance(0.3)) made.includeMissing = true;
    return made;
  };
  /** A condition that an index may serve, so that an `or` of some is a union of indexes. */
  const served = () => {
    const operator = one(["eq", "eq", "in", "gt", "lte", "between", "contains", "startsWith"]);
    return { field: one(INDEXED), operator, value: operand(operator) };
  };
  const filter = (depth = 0) => {
    const kind = below(depth > 2 ? 5 : 10);
    if (kind < 5) return condition();
    if (kind < 7) return { and: some(3, () => filter(depth + 1)) };
    if (kind < 8) return { or: some(3, () => filter(depth + 1)) };
    if (kind < 9) return { or: Array.from({ length: 2 + below(2) }, () => (chance(0.8) ? served() : condition())) };
    return { not: filter(depth + 1) };
  };
  /** One question: what is wanted, in what order, in what pages. */
  const program = () => ({
    filter: chance(0.3) ? some(3, condition) : filter(),
    sort: chance(0.3) ? undefined : some(2, () => ({ field: one(chance(0.6) ? INDEXED : FIELDS), ...(chance(0.8) && { order: one(["asc", "desc"]) }) })),
    limit: 1 + below(6),
    offset: below(5),
  });
  return { records, program };
}
