// The value encoding of docs/formats.md, and looks into values that run no more of the caller's code than they must.

const MAX_DEPTH = 200;
const own = Object.prototype.hasOwnProperty;
const views = ['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
  'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'DataView'];

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
  if (typeof value !== 'object' || value === null) return ensureCloneable(value);
  return hasBytesOfItsOwn(value) ? new Uint8Array(value) : structuredClone(value);
}

/** What a typed array is, whatever its prototype says; undefined for anything else. */
const { get: typeOfArray } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);

/** Whether a value is a Uint8Array of all of its buffer. structuredClone takes four times as long for one. */
function hasBytesOfItsOwn(value) {
  if (typeOfArray.call(value) !== 'Uint8Array') return false;
  const { buffer } = value;
  return buffer instanceof ArrayBuffer && !buffer.resizable && buffer.byteLength === value.byteLength;
}

function ensureCloneable(value) {
  return typeof value === 'function' || typeof value === 'symbol' ? structuredClone(value) : value;
}

/** Half of a pair of surrogates. */
const LONE = /\p{Surrogate}/u;

/**
 * One letter for what can be a key: n(umber), d(ate), s(tring), b(ytes), a(rray); else u(ndefined), 0 (null), t, f, or -. A
 * text with lone surrogates is `-`: Rust would read it as another.
 */
export function kind(value) {
  switch (typeof value) {
    case 'number': return Number.isNaN(value) ? '-' : 'n';
    case 'string': return LONE.test(value) ? '-' : 's';
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
  return text(value);
}

/** Decodes what `encode` wrote. */
export function decode(text) {
  return revived(JSON.parse(text));
}

/** From how many bytes or letters on a part of a value is set apart, in the encoding of what is sealed. */
const APART = 4096;
const HEAD = 5;

/**
 * Encodes a value to be sealed, as docs/formats.md says: as text, or, where parts of it are set apart or it has `large`
 * letters and more, as bytes.
 */
export function pack(value, large) {
  const parts = [];
  const json = text(value, parts);
  if (parts.length === 0) return json.length < large ? json : utf8(json);
  const head = utf8(json);
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, HEAD + head.length));
  bytes[0] = 1;
  new DataView(bytes.buffer).setUint32(1, head.length, true);
  bytes.set(head, HEAD);
  let at = HEAD + head.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A text in UTF-8. For a long one `encode` takes more than twice as long as `encodeInto`, in Chromium and in Firefox. */
function utf8(text) {
  const encoder = new TextEncoder();
  if (text.length < APART) return encoder.encode(text);
  const room = new Uint8Array(3 * text.length);
  return room.subarray(0, encoder.encodeInto(text, room).written);
}

/** Decodes what `pack` wrote, from bytes. */
export function unpack(bytes) {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  if (bytes[0] !== 1) return decode(decoder.decode(bytes));
  const end = HEAD + new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(1, true);
  if (end > bytes.length) throw new TypeError('the value was cut short');
  return revived(JSON.parse(decoder.decode(bytes.subarray(HEAD, end))), ([type, at, length]) => {
    const part = bytes.subarray(end + at, end + at + length);
    if (!Number.isSafeInteger(at) || at < 0 || part.length !== length) throw new TypeError('a part lies outside of the value');
    return type === 'text' ? decoder.decode(part) : binaryOf(type, part.slice());
  });
}

function text(value, parts) {
  // What JSON holds as it is needs no copy in which it would.
  return JSON.stringify(simple(value, 0, parts ? APART : Infinity) ? value : plain(value, new Set(), 0, parts));
}

/** Whether JSON tells a value exactly; `most` is how long its texts may be. */
function simple(value, depth, most) {
  switch (typeof value) {
    case 'string': return value.length < most;
    case 'boolean': return true;
    case 'number': return Number.isFinite(value) && (value !== 0 || !Object.is(value, -0));
    case 'object': break;
    default: return false;
  }
  if (value === null) return true;
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) return dense(value) && value.every((item) => simple(item, depth + 1, most));
  if (Object.getPrototypeOf(value) !== Object.prototype || own.call(value, '$') || own.call(value, 'toJSON')) return false;
  for (const name of Object.keys(value)) if (!simple(value[name], depth + 1, most)) return false;
  return true;
}

/** Whether a text is well-formed, so that UTF-8 tells it exactly. */
function whole(text) {
  return text.isWellFormed?.() ?? !/\p{Surrogate}/u.test(text);
}

/** Whether an array has an element at each place and nothing besides. */
function dense(array) {
  // Its elements come first, in order; nothing is looked at one by one, since an array may be long and empty.
  const names = Object.keys(array);
  return names.length === array.length && (names.length === 0 || names.at(-1) === String(array.length - 1));
}

function plain(value, above, depth, parts) {
  switch (typeof value) {
    case 'string':
      return parts && value.length >= APART && whole(value) ? apart('text', utf8(value), parts) : value;
    case 'boolean': return value;
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
  const result = composite(value, (item) => plain(item, above, depth + 1, parts), parts);
  above.delete(value);
  return result;
}

function composite(value, each, parts) {
  if (Array.isArray(value)) return dense(value) ? Array.from(value, each) : { $: 'array', v: [value.length, properties(value, each)] };
  if (value instanceof Date) return { $: 'date', v: Number.isNaN(value.getTime()) ? 'NaN' : value.getTime() };
  if (value instanceof Map) return { $: 'map', v: Array.from(value, ([k, v]) => [each(k), each(v)]) };
  if (value instanceof Set) return { $: 'set', v: Array.from(value, each) };
  if (value instanceof RegExp) return { $: 'regexp', v: [value.source, value.flags] };
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return binary(value, parts);
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (tag !== 'Object') throw new TypeError(`a value of type ${tag} cannot be encoded`);
  const result = properties(value, each);
  return own.call(result, '$') ? { $: 'object', v: result } : result;
}

function properties(value, each) {
  const result = Object.create(null);
  for (const name of Object.keys(value)) result[name] = each(value[name]);
  return result;
}

function binary(value, parts) {
  const buffer = value instanceof ArrayBuffer;
  if ((buffer ? value : value.buffer).resizable) throw new TypeError('a buffer that can be resized cannot be encoded');
  const name = buffer ? 'bytes' : Object.prototype.toString.call(value).slice(8, -1);
  if (!buffer && !views.includes(name)) throw new TypeError(`a value of type ${name} cannot be encoded`);
  const data = buffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (parts && data.length >= APART) return apart(name, data, parts);
  let text = '';
  for (let at = 0; at < data.length; at += 0x8000) text += String.fromCharCode(...data.subarray(at, at + 0x8000));
  return { $: name, v: btoa(text) };
}

function apart(name, data, parts) {
  const at = parts.reduce((total, part) => total + part.length, 0);
  parts.push(data);
  return { $: 'part', v: [name, at, data.length] };
}

function revived(value, part) {
  if (value === null || typeof value !== 'object') return value;
  const each = (item) => revived(item, part);
  if (Array.isArray(value)) return value.map(each);
  if (!own.call(value, '$')) return object(value, each);
  const { $: tag, v } = value;
  switch (tag) {
    case 'undefined': return undefined;
    case 'number': return Number(v);
    case 'bigint': return BigInt(v);
    case 'date': return new Date(v === 'NaN' ? NaN : v);
    case 'map': return new Map(v.map(([key, item]) => [each(key), each(item)]));
    case 'set': return new Set(v.map(each));
    case 'regexp': return new RegExp(v[0], v[1]);
    case 'object': return object(v, each);
    case 'array': return Object.defineProperties(new Array(v[0]), Object.getOwnPropertyDescriptors(object(v[1], each)));
    case 'part':
      if (part) return part(v);
      throw new TypeError('a part of the value is not there');
    default: return binaryOf(tag, unbinary(v));
  }
}

function object(source, each) {
  const entries = Object.keys(source).map((name) => [name, each(source[name])]);
  return Object.fromEntries(entries);
}

/** What a tag says of bytes that are ours. */
function binaryOf(tag, { buffer }) {
  if (tag === 'bytes') return buffer;
  if (!views.includes(tag) || !(tag in globalThis)) throw new TypeError(`unknown tag ${tag}`);
  return new globalThis[tag](buffer);
}

function unbinary(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Hands a key to Web Crypto, which does not give it back; resolves with nothing where there is none. */
export async function importKey(bytes) {
  // A copy, since what is in WebAssembly's memory may move while this waits.
  const raw = bytes.slice();
  try {
    return await globalThis.crypto?.subtle?.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);
  } finally {
    raw.fill(0);
  }
}

/**
 * Seals each plaintext into an envelope: its head, of `size` bytes, whose last twelve are the nonce, and its ciphertext.
 * `ends` says where the additional data of each ends.
 */
export async function sealAll(key, heads, additional, ends, plaintexts, size) {
  // Copies, since what is in WebAssembly's memory may move while this waits.
  const [starts, bound] = [heads.slice(), apartAt(additional.slice(), ends)];
  return Promise.all(plaintexts.map(async (plaintext, at) => {
    const head = starts.subarray(at * size, (at + 1) * size);
    const sealed = await globalThis.crypto.subtle.encrypt(parameters(head, bound[at]), key, plaintext);
    const bytes = new Uint8Array(size + sealed.byteLength);
    bytes.set(head);
    bytes.set(new Uint8Array(sealed), size);
    return bytes;
  }));
}

/** The plaintext of each envelope; undefined for one that is not authentic. */
export async function openAll(key, additional, ends, envelopes, size) {
  const bound = apartAt(additional.slice(), ends);
  return Promise.all(envelopes.map(async (envelope, at) => {
    try {
      return new Uint8Array(await globalThis.crypto.subtle.decrypt(parameters(envelope.subarray(0, size), bound[at]), key, envelope.subarray(size)));
    } catch {
      return undefined;
    }
  }));
}

const parameters = (head, additionalData) => ({ name: 'AES-GCM', iv: head.subarray(-12), additionalData });

function apartAt(bytes, ends) {
  return Array.from(ends, (end, at) => bytes.subarray(at && ends[at - 1], end));
}
