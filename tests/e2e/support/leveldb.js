import { unsnap } from "./snappy.js";

const FOOTER = 48;
const MAGIC = Buffer.from("57fb808b247547db", "hex");

/** Whether a file is one of LevelDB's tables (github.com/google/leveldb, doc/table_format.md). */
export const isTable = (bytes) => bytes.length >= FOOTER && bytes.subarray(-8).equals(MAGIC);

/** The blocks of a table, unpacked: the keys and values that lie in it, replaced and deleted ones too. */
export function blocks(table) {
  const footer = reader(table.subarray(-FOOTER, -8));
  const handles = [handle(footer), handle(footer)];
  const [, index] = handles;
  handles.push(...entries(block(table, index)).map((value) => handle(reader(value))));
  return handles.map((place) => block(table, place));
}

function block(table, { offset, size }) {
  const bytes = table.subarray(offset, offset + size);
  if (table[offset + size] !== 1) return bytes;
  const stream = unsnap(bytes);
  if (!stream) throw new Error("a block of a LevelDB table does not unpack");
  return stream.output;
}

/** The values of a block. */
function entries(bytes) {
  const restarts = bytes.readUInt32LE(bytes.length - 4);
  const input = reader(bytes.subarray(0, bytes.length - 4 - 4 * restarts));
  const values = [];
  while (input.left() > 0) {
    input.number();
    const key = input.number();
    const value = input.number();
    input.take(key);
    values.push(input.take(value));
  }
  return values;
}

function handle(input) {
  return { offset: input.number(), size: input.number() };
}

function reader(bytes) {
  let at = 0;
  return {
    left: () => bytes.length - at,
    take: (size) => bytes.subarray(at, (at += size)),
    number() {
      let value = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++];
        value += (byte & 0x7f) * 2 ** shift;
        if (byte < 0x80) return value;
      }
    },
  };
}

const PAGE = 32_768;

/** The records of a log, each in one piece (doc/log_format.md); what does not fit ends a page, as LevelDB has it. */
export function records(log) {
  const found = [];
  let parts = [];
  for (let start = 0; start < log.length; start += PAGE) {
    const page = log.subarray(start, start + PAGE);
    for (let at = 0; at + 7 <= page.length; ) {
      const size = page.readUInt16LE(at + 4);
      const type = page[at + 6];
      if (type < 1 || type > 4) break;
      const part = page.subarray(at + 7, at + 7 + size);
      // 1 is whole, 2 the first, 3 one between, 4 the last.
      parts = type === 1 || type === 2 ? [part] : [...parts, part];
      if (type === 1 || type === 4) found.push(Buffer.concat(parts.splice(0)));
      at += 7 + size;
    }
  }
  return found;
}
