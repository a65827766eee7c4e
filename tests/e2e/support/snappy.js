/** Nothing that a browser packs in one piece is longer. */
const MOST = 1 << 26;

/**
 * Undoes Snappy (github.com/google/snappy, format_description.txt) from some position of some bytes.
 *
 * @param {Buffer} bytes
 * @returns {{ output: Buffer, end: number } | undefined} What came out, and where the stream ends. Nothing where none
 *   begins there, or it was cut.
 */
export function unsnap(bytes, at = 0) {
  const head = lengthAt(bytes, at);
  const end = head && ending(bytes, head);
  if (!end) return undefined;
  const output = Buffer.alloc(head.length);
  let written = 0;
  for (let tag = head.at; tag < end; ) {
    const { kind, run, from, next } = element(bytes, tag);
    if (kind === 0) bytes.copy(output, written, from, from + run);
    // A copy may overlap what it makes, byte by byte.
    else for (let to = written; to < written + run; to += 1) output[to] = output[to - from];
    written += run;
    tag = next;
  }
  return { output, end };
}

/** Fewer bytes than this are no stream that could hide a text: they would be a literal, and lie there as they are. */
const LEAST = 32;

/** What unpacks to so many bytes and ends as it says is a stream, and not by chance: none begins within. */
const CERTAIN = 1024;

/**
 * What every stream that begins anywhere in some bytes holds.
 *
 * @param {Buffer} bytes
 * @returns {Buffer[]}
 */
export function streams(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length; at += 1) {
    const stream = unsnap(bytes, at);
    if (!stream || stream.output.length < LEAST) continue;
    found.push(stream.output);
    if (stream.output.length >= CERTAIN) at = stream.end - 1;
  }
  return found;
}

/** How long a stream says that it becomes. */
function lengthAt(bytes, at) {
  let length = 0;
  for (let shift = 0; shift <= 28; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return length > 0 && length <= MOST ? { length, at } : undefined;
  }
  return undefined;
}

/** Where a stream ends; nothing where it is none. It is walked without being undone, for most bytes begin no stream. */
function ending(bytes, { length, at }) {
  let written = 0;
  let tag = at;
  while (written < length) {
    const { kind, run, from, next } = element(bytes, tag);
    if (next > bytes.length || written + run > length) return undefined;
    if (kind !== 0 && (from === 0 || from > written)) return undefined;
    written += run;
    tag = next;
  }
  return tag;
}

/** A literal (kind 0): how long, from where. A copy: how long, from how far back. And where the next one begins. */
function element(bytes, at) {
  const tag = bytes[at];
  const kind = tag & 3;
  if (kind === 0) {
    const size = Math.max(0, (tag >> 2) - 59);
    const from = at + 1 + size;
    if (from > bytes.length) return { kind, run: 0, from, next: Infinity };
    const run = 1 + (size === 0 ? tag >> 2 : bytes.readUIntLE(at + 1, size));
    return { kind, run, from, next: from + run };
  }
  const size = [0, 1, 2, 4][kind];
  const next = at + 1 + size;
  if (!(next <= bytes.length)) return { kind, run: 0, from: 0, next: Infinity };
  if (kind === 1) return { kind, run: ((tag >> 2) & 7) + 4, from: ((tag >> 5) << 8) | bytes[at + 1], next };
  return { kind, run: (tag >> 2) + 1, from: bytes.readUIntLE(at + 1, size), next };
}
