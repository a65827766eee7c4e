// What filters and sorts mean, without any index.

import { compareKeys, isKey, sameType } from "./keys.js";
import { shape } from "./engine.js";

function fieldOf(row, field) {
  if (field === "$key") return row.key;
  if (field === "$tags") return row.tags;
  const [start, path] = field.startsWith("$meta.") ? [row.metadata, field.slice(6)] : [row.value, field];
  return path.split(".").reduce((value, name) => (value !== null && typeof value === "object" && Object.hasOwn(value, name) ? value[name] : undefined), start);
}

const isScalar = (value) => value === null || typeof value === "boolean" || isKey(value);
const equal = (found, wanted) => isScalar(found) && isScalar(wanted) && shape(found) === shape(wanted);
const ordered = (found, wanted, holds) => isKey(found) && isKey(wanted) && sameType(found, wanted) && holds(compareKeys(found, wanted));

const OPERATORS = {
  eq: equal,
  ne: (found, wanted) => found !== undefined && !equal(found, wanted),
  gt: (found, wanted) => ordered(found, wanted, (sign) => sign > 0),
  gte: (found, wanted) => ordered(found, wanted, (sign) => sign >= 0),
  lt: (found, wanted) => ordered(found, wanted, (sign) => sign < 0),
  lte: (found, wanted) => ordered(found, wanted, (sign) => sign <= 0),
  between: (found, [from, to]) => OPERATORS.gte(found, from) && OPERATORS.lte(found, to),
  in: (found, list) => list.some((wanted) => equal(found, wanted)),
  nin: (found, list) => found !== undefined && !list.some((wanted) => equal(found, wanted)),
  contains: (found, wanted) =>
    Array.isArray(found) ? found.some((element) => equal(element, wanted)) : typeof found === "string" && typeof wanted === "string" && found.includes(wanted),
  startsWith: (found, wanted) => typeof found === "string" && found.startsWith(wanted),
  endsWith: (found, wanted) => typeof found === "string" && found.endsWith(wanted),
  exists: (found, wanted) => (found !== undefined) === wanted,
};

/** Whether a row, `{ key, value, tags, metadata }`, matches a filter or all filters of a list. */
export function matches(row, filter) {
  if (filter === undefined) return true;
  if (Array.isArray(filter)) return filter.every((part) => matches(row, part));
  if (filter.and) return filter.and.every((part) => matches(row, part));
  if (filter.or) return filter.or.some((part) => matches(row, part));
  if (filter.not) return !matches(row, filter.not);
  return OPERATORS[filter.operator](fieldOf(row, filter.field), filter.value);
}

/** What an index can hold comes first, whichever way the order goes; the rest turns around with it. */
const place = (value, turn) => (isKey(value) ? -Infinity : turn * (value === null ? 1 : value === false ? 2 : value === true ? 3 : 4));

/** The rows in the order of a sort; what is equal in all of its fields by key, in the direction of the last. */
export function sorted(rows, sort) {
  const sorts = [sort ?? []].flat();
  const direction = (order) => (order === "desc" ? -1 : 1);
  return [...rows].sort((a, b) => {
    for (const { field, order } of sorts) {
      const [left, right] = [fieldOf(a, field), fieldOf(b, field)];
      if (left === undefined || right === undefined) {
        if (left !== right) return left === undefined ? 1 : -1;
        continue;
      }
      const turn = direction(order);
      const [one, other] = [place(left, turn), place(right, turn)];
      if (one !== other) return one < other ? -1 : 1;
      const sign = isKey(left) ? compareKeys(left, right) : 0;
      if (sign !== 0) return sign * turn;
    }
    return compareKeys(a.key, b.key) * direction(sorts.at(-1)?.order);
  });
}
