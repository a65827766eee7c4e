// What the checks within a page share: stores of their own, and what a value is.

/** What a value is, as text that differs wherever the value does. */
export function shape(value, seen = new Map()) {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) {
    if (typeof value === "string") return JSON.stringify(value);
    return Object.is(value, -0) ? "-0" : typeof value === "bigint" ? `${value}n` : String(value);
  }
  if (seen.has(value)) return `#${seen.get(value)}`;
  seen.set(value, seen.size);
  const of = (part) => shape(part, seen);
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof RegExp) return `RegExp(${value.source},${value.flags},${value.lastIndex})`;
  if (value instanceof Map) return `Map(${[...value].map(([key, part]) => `${of(key)}=>${of(part)}`)})`;
  if (value instanceof Set) return `Set(${[...value].map(of)})`;
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${new Uint8Array(value)})`;
  if (ArrayBuffer.isView(value)) return `${tag}(${new Uint8Array(value.buffer, value.byteOffset, value.byteLength)})`;
  if (value instanceof Error) return `${tag}(${value.name},${of(value.message)})`;
  if (value instanceof Boolean || value instanceof Number || value instanceof String || tag === "BigInt") return `${tag}:${of(value.valueOf())}`;
  const names = Object.keys(value);
  const properties = names.map((name) => `${JSON.stringify(name)}:${of(value[name])}`);
  return Array.isArray(value) ? `[${value.length};${properties}]` : `${tag}{${properties.sort()}}`;
}

/** A name that no other check has. */
export const freshName = () => `check ${Math.random().toString(36).slice(2)}`;

/** Deletes a database. */
export const remove = (name) =>
  new Promise((done) => Object.assign(indexedDB.deleteDatabase(name), { onsuccess: done, onerror: done, onblocked: done }));

/** An outcome that compares: what a call resolved with, or the code that it was refused with. */
export async function outcome(call) {
  try {
    return { value: await call() };
  } catch (error) {
    return error?.code && error.name === "StorageError" ? { code: error.code } : { untyped: `${error?.name}: ${error?.message}` };
  }
}
