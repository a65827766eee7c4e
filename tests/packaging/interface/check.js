// The words in which cases are written; they work in pages and in Node.

/** What a value is, as text that differs wherever the value does. */
export function shape(value) {
  if (value === null || typeof value !== "object") {
    return Object.is(value, -0) ? "-0" : typeof value === "bigint" ? `${value}n` : typeof value === "string" ? JSON.stringify(value) : String(value);
  }
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof RegExp) return `RegExp(${value})`;
  if (value instanceof Map) return `Map(${[...value].map(([k, v]) => `${shape(k)}=>${shape(v)}`)})`;
  if (value instanceof Set) return `Set(${[...value].map(shape)})`;
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${new Uint8Array(value)})`;
  if (ArrayBuffer.isView(value)) return `${tag}(${new Uint8Array(value.buffer, value.byteOffset, value.byteLength)})`;
  if (Array.isArray(value)) return `[${value.map(shape)}]`;
  const names = Object.keys(value).sort();
  return `${tag}{${names.map((name) => `${JSON.stringify(name)}:${shape(value[name])}`)}}`;
}

/** Finds that two values are the same. */
export function same(found, wanted, what = "value") {
  if (shape(found) !== shape(wanted)) {
    throw new Error(`${what}: found ${shape(found).slice(0, 300)}, wanted ${shape(wanted).slice(0, 300)}`);
  }
}

/** Finds that a call fails with a StorageError of this code; gives the error. */
export async function refused(StorageError, call, code) {
  let value;
  try {
    value = await call();
  } catch (error) {
    if (!(error instanceof StorageError)) throw new Error(`not a StorageError: ${error?.name}: ${error?.message}`);
    if (error.code !== code) throw new Error(`${error.code} (${error.message}), wanted ${code}`);
    if (!error.message || !error.operation) throw new Error(`no message or operation: ${error.code} ${error.message}`);
    return error;
  }
  throw new Error(`succeeded with ${shape(value)}, wanted ${code}`);
}

/** Waits for a condition, and not for a time. */
export async function until(condition, what) {
  const end = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what} did not come about`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Keeps what a listener's failure reports out of the test's own report. */
export function quiet() {
  const { reportError, console } = globalThis;
  const { error } = console;
  globalThis.reportError = () => {};
  console.error = () => {};
  return { restore: () => Object.assign(globalThis, { reportError }) && Object.assign(console, { error }) };
}
