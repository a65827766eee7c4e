// What a query means, written from docs/queries.md alone, and without any thought of speed.

const TYPES = ["number", "date", "string", "bytes", "array"];

/** The type of a value: one of those of keys, or null, boolean, missing, other. */
function typeOf(value) {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (typeof value === "boolean" || typeof value === "string") return typeof value;
  if (typeof value === "number") return Number.isNaN(value) ? "other" : "number";
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "other" : "date";
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return "bytes";
  if (Array.isArray(value)) return value.every((item) => TYPES.includes(typeOf(item))) ? "array" : "other";
  return "other";
}

const bytesOf = (value) => [...(value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength))];

const direction = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

function compareLists(a, b, compare) {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const order = compare(a[at], b[at]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** The order of keys. */
export function compareKeys(a, b) {
  const [type, other] = [typeOf(a), typeOf(b)];
  if (type !== other) return TYPES.indexOf(type) - TYPES.indexOf(other);
  switch (type) {
    case "date": return a.getTime() - b.getTime();
    case "bytes": return compareLists(bytesOf(a), bytesOf(b), direction);
    case "array": return compareLists(a, b, compareKeys);
    default: return direction(a, b);
  }
}

const isKey = (value) => TYPES.includes(typeOf(value));

function equal(found, wanted) {
  const type = typeOf(found);
  if (type !== typeOf(wanted) || type === "missing" || type === "other") return false;
  return isKey(found) ? compareKeys(found, wanted) === 0 : found === wanted;
}

/** What an entry has in a field. */
function fieldOf({ value, options }, field) {
  switch (field) {
    case "$key": return value.id;
    case "$tags": return options.tags ?? [];
    case "$version": return 1;
  }
  const [start, path] = field.startsWith("$meta.") ? [options.metadata, field.slice(6)] : [value, field];
  return path.split(".").reduce((object, name) => (typeof object === "object" && object !== null && Object.hasOwn(object, name) ? object[name] : undefined), start);
}

function compares(found, { operator, value, includeMissing }, byElement) {
  const type = typeOf(found);
  const sameType = isKey(found) && (operator === "between" || type === typeOf(value));
  switch (operator) {
    case "eq": return equal(found, value);
    case "ne": return type === "missing" ? includeMissing === true : !equal(found, value);
    case "gt": return sameType && compareKeys(found, value) > 0;
    case "gte": return sameType && compareKeys(found, value) >= 0;
    case "lt": return sameType && compareKeys(found, value) < 0;
    case "lte": return sameType && compareKeys(found, value) <= 0;
    case "between": return sameType && type === typeOf(value[0]) && compareKeys(found, value[0]) >= 0 && compareKeys(found, value[1]) <= 0;
    case "in": return value.some((item) => equal(found, item));
    case "nin": return type === "missing" ? includeMissing === true : !value.some((item) => equal(found, item));
    case "contains":
      if (Array.isArray(found)) return found.some((item) => equal(item, value));
      return byElement ? equal(found, value) : type === "string" && typeof value === "string" && found.includes(value);
    case "startsWith": return type === "string" && found.startsWith(value);
    case "endsWith": return type === "string" && found.endsWith(value);
    case "exists": return (type !== "missing") === value;
    default: throw new Error(operator);
  }
}

/** Whether an entry matches; `elements` are the fields that have an entry for each element in an index. */
export function matches(entry, filter, elements) {
  if (Array.isArray(filter)) return filter.every((part) => matches(entry, part, elements));
  if (filter.and) return filter.and.every((part) => matches(entry, part, elements));
  if (filter.or) return filter.or.some((part) => matches(entry, part, elements));
  if (filter.not) return !matches(entry, filter.not, elements);
  return compares(fieldOf(entry, filter.field), filter, elements.includes(filter.field));
}

/** Between the keys, which come first either way, and what is missing, which comes last. */
const BETWEEN = ["null", "boolean", "other"];

function compareField(a, b, turn) {
  const place = (value) => {
    if (isKey(value)) return -Infinity;
    const type = typeOf(value);
    return type === "missing" ? Infinity : turn * BETWEEN.indexOf(type);
  };
  const [one, other] = [place(a), place(b)];
  if (one !== other) return one < other ? -1 : 1;
  if (isKey(a)) return turn * compareKeys(a, b);
  return typeOf(a) === "boolean" ? turn * (a - b) : 0;
}

/** The entries that a program finds, in order; in key order where it asks for none. */
export function answer(entries, { filter, sort }, elements) {
  const sorts = sort ?? [];
  const turn = ({ order }) => (order === "desc" ? -1 : 1);
  const last = sorts.length ? turn(sorts.at(-1)) : 1;
  const hits = entries.filter((entry) => entry.options.expiration === undefined && matches(entry, filter, elements));
  return hits.sort((a, b) => {
    for (const by of sorts) {
      const order = compareField(fieldOf(a, by.field), fieldOf(b, by.field), turn(by));
      if (order !== 0) return order;
    }
    return last * compareKeys(a.value.id, b.value.id);
  });
}
