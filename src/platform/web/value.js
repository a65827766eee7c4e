// The value encoding of docs/formats.md, and looks into values that run no more of the caller's code than they must.

const MAX_DEPTH = 200;
const own = Object.prototype.hasOwnProperty;
const views = ['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
  'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'DataView'];

/** The own property `name`, or undefined; never a prototype's. */
export function field(value, name) {
  return value !== null && typeof value === 'object' && own.call(value, name) ? value[name] : undefined;
}

/** A new object: `base` with the own properties of `changes` set over it, `__proto__` as a name like any other. */
export function merged(base, changes) {
  return { ...base, ...changes };
}

/** A copy that shares nothing with the value; throws what structuredClone throws. */
export function detached(value) {
  return typeof value === 'object' && value !== null ? structuredClone(value) : ensureCloneable(value);
}

function ensureCloneable(value) {
  return typeof value === 'function' || typeof value === 'symbol' ? structuredClone(value) : value;
}

/** One letter for what can be a key: n(umber), d(ate), s(tring), b(ytes), a(rray); else u(ndefined), 0 (null), t, f, or -. */
export function kind(value) {
  switch (typeof value) {
    case 'number': return Number.isNaN(value) ? '-' : 'n';
    case 'string': return 's';
    case 'boolean': return value ? 't' : 'f';
    case 'undefined': return 'u';
    case 'object':
      if (value === null) return '0';
      if (Array.isArray(value)) return 'a';
      if (value instanceof Date) return Number.isNaN(time(value)) ? '-' : 'd';
      return value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? 'b' : '-';
    default: return '-';
  }
}

/** The time of a date; throws for what only passes for one. */
export function time(value) {
  return Date.prototype.getTime.call(value);
}

/** The elements that an array has, as an array of ours; throws for holes where it must be dense. */
export function elements(array, dense) {
  // Names, since a loop over the length would not end on an array that is long and empty.
  const found = Object.keys(array).filter((name) => /^\d+$/.test(name)).map((name) => array[name]);
  if (dense && found.length !== array.length) throw new TypeError('the array has holes');
  return found;
}

/** The items of an iterable, each read once, as an array of ours. */
export function items(iterable) {
  return [...iterable];
}

/** The names of an object's own properties. */
export function names(value) {
  return Object.keys(value);
}

/** Failures in which an engine quotes what it was given: a text that is no JSON, a function, a symbol. It may be a secret. */
const QUOTING = ['DataCloneError', 'SyntaxError'];

/** What a thrown value says of itself, whatever it is; running as little of it as possible. */
export function said(thrown) {
  try {
    if (typeof thrown === 'string') return thrown;
    if (QUOTING.includes(thrown.name)) return thrown.name;
    if (typeof thrown.message === 'string') return `${thrown.name}: ${thrown.message}`;
  } catch { /* It throws when it is asked. */ }
  return 'a value that is no error was thrown';
}

/** The bytes of a buffer or view, as a copy. */
export function bytes(value) {
  return value instanceof ArrayBuffer ? new Uint8Array(value.slice(0))
    : new Uint8Array(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength));
}

const MOST_PARTS = 10_000;

/** What a stored value takes in memory, about, in bytes; Infinity for one of very many parts, and so for one that contains itself. */
export function weight(value) {
  const rest = [value];
  let total = 0;
  for (let at = 0; at < rest.length; at += 1) {
    const part = rest[at];
    total += 16;
    if (typeof part === 'string') total += 2 * part.length;
    else if (typeof part !== 'object' || part === null) continue;
    else if (part instanceof ArrayBuffer || ArrayBuffer.isView(part)) total += part.byteLength;
    else if (typeof Blob === 'function' && part instanceof Blob) total += part.size;
    else {
      const [names, parts] = inside(part);
      if (rest.length + parts.length > MOST_PARTS) return Infinity;
      for (const name of names) total += 2 * name.length;
      rest.push(...parts);
    }
  }
  return total;
}

function inside(value) {
  if (value instanceof Map) return [[], [...value.keys(), ...value.values()]];
  if (value instanceof Set) return [[], [...value]];
  if (Array.isArray(value)) return [[], value];
  return [Object.keys(value), Object.values(value)];
}

/** A text without what does not count in a search. */
export function fold(text) {
  const bare = text.normalize('NFKD').replace(/[\u0300-\u036f]/g, '');
  return bare.toUpperCase().toLowerCase().replaceAll('\u03c2', '\u03c3').replaceAll('\u2019', "'").normalize('NFKC');
}

/** Encodes a value as text; throws a TypeError that says what cannot be encoded. */
export function encode(value) {
  return JSON.stringify(plain(value, new Set(), 0));
}

/** Decodes what `encode` wrote. */
export function decode(text) {
  return revived(JSON.parse(text));
}

function plain(value, above, depth) {
  switch (typeof value) {
    case 'string': case 'boolean': return value;
    case 'number':
      if (Number.isFinite(value) && !Object.is(value, -0)) return value;
      return { $: 'number', v: Object.is(value, -0) ? '-0' : String(value) };
    case 'undefined': return { $: 'undefined' };
    case 'bigint': return { $: 'bigint', v: String(value) };
    case 'object': break;
    default: throw new TypeError(`a ${typeof value} cannot be encoded`);
  }
  if (value === null) return null;
  if (depth > MAX_DEPTH) throw new TypeError(`a value nested deeper than ${MAX_DEPTH} cannot be encoded`);
  if (above.has(value)) throw new TypeError('a value that contains itself cannot be encoded');
  above.add(value);
  const result = composite(value, (item) => plain(item, above, depth + 1));
  above.delete(value);
  return result;
}

function composite(value, each) {
  if (Array.isArray(value)) return Array.from(value, each);
  if (value instanceof Date) return { $: 'date', v: Number.isNaN(value.getTime()) ? 'NaN' : value.getTime() };
  if (value instanceof Map) return { $: 'map', v: Array.from(value, ([k, v]) => [each(k), each(v)]) };
  if (value instanceof Set) return { $: 'set', v: Array.from(value, each) };
  if (value instanceof RegExp) return { $: 'regexp', v: [value.source, value.flags] };
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return binary(value);
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (tag !== 'Object') throw new TypeError(`a value of type ${tag} cannot be encoded`);
  const result = Object.create(null);
  for (const name of Object.keys(value)) result[name] = each(value[name]);
  return own.call(result, '$') ? { $: 'object', v: result } : result;
}

function binary(value) {
  const name = value instanceof ArrayBuffer ? 'bytes' : value.constructor.name;
  const data = bytes(value);
  let text = '';
  for (let at = 0; at < data.length; at += 0x8000) text += String.fromCharCode(...data.subarray(at, at + 0x8000));
  return { $: name, v: btoa(text) };
}

function revived(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(revived);
  if (!own.call(value, '$')) return object(value);
  const { $: tag, v } = value;
  switch (tag) {
    case 'undefined': return undefined;
    case 'number': return Number(v);
    case 'bigint': return BigInt(v);
    case 'date': return new Date(v === 'NaN' ? NaN : v);
    case 'map': return new Map(v.map(([key, item]) => [revived(key), revived(item)]));
    case 'set': return new Set(v.map(revived));
    case 'regexp': return new RegExp(v[0], v[1]);
    case 'object': return object(v);
    case 'bytes': return unbinary(v).buffer;
    default:
      if (!views.includes(tag)) throw new TypeError(`unknown tag ${tag}`);
      return new globalThis[tag](unbinary(v).buffer);
  }
}

function object(source) {
  const entries = Object.keys(source).map((name) => [name, revived(source[name])]);
  return Object.fromEntries(entries);
}

function unbinary(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
