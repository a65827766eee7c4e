// IndexedDB's keys and their order, as its specification says, without IndexedDB.

const rank = (key) =>
  typeof key === "number" ? 0 : key instanceof Date ? 1 : typeof key === "string" ? 2 : Array.isArray(key) ? 4 : 3;

const bytes = (key) => (ArrayBuffer.isView(key) ? new Uint8Array(key.buffer, key.byteOffset, key.byteLength) : new Uint8Array(key));

const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

const listOrder = (a, b, compare) => {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const differs = compare(a[at], b[at]);
    if (differs !== 0) return differs;
  }
  return order(a.length, b.length);
};

/** Whether a value is a key. */
export function isKey(value) {
  if (typeof value === "number") return !Number.isNaN(value);
  if (value instanceof Date) return !Number.isNaN(value.getTime());
  if (Array.isArray(value)) return value.every(isKey);
  return typeof value === "string" || value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

export const sameType = (a, b) => rank(a) === rank(b);

export function compareKeys(a, b) {
  if (!sameType(a, b)) return order(rank(a), rank(b));
  switch (rank(a)) {
    case 1:
      return order(a.getTime(), b.getTime());
    case 3:
      return listOrder(bytes(a), bytes(b), order);
    case 4:
      return listOrder(a, b, compareKeys);
    default:
      return order(a, b);
  }
}
