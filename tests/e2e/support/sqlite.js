const MAGIC = "SQLite format 3\0";

/** Whether a file is a database of SQLite. */
export const isDatabase = (bytes) => bytes.length >= 512 && bytes.toString("latin1", 0, 16) === MAGIC;

/**
 * What the rows of a SQLite database hold (sqlite.org/fileformat2.html), each in one piece however many pages it lies in:
 * those of every page that looks like one of rows, used or not, and of every frame of its write-ahead log, old or not.
 *
 * @param {Buffer} file
 * @param {Buffer} [log] The write-ahead log.
 * @returns {Buffer[]}
 */
export function payloads(file, log = Buffer.alloc(0)) {
  const written = file.readUInt16BE(16);
  const size = written === 1 ? 65_536 : written;
  const pages = [];
  const latest = new Map();
  for (let at = 0; at + size <= file.length; at += size) {
    const page = file.subarray(at, at + size);
    pages.push({ page, first: at === 0 });
    latest.set(at / size + 1, page);
  }
  for (let at = 32; at + 24 + size <= log.length; at += 24 + size) {
    const number = log.readUInt32BE(at);
    const page = log.subarray(at + 24, at + 24 + size);
    pages.push({ page, first: number === 1 });
    latest.set(number, page);
  }
  const usable = size - file[20];
  return pages.flatMap(({ page, first }) => cells(page, first ? 100 : 0, usable, latest));
}

const INDEX_INTERIOR = 2;
const INDEX_LEAF = 10;
const TABLE_LEAF = 13;

function cells(page, header, usable, latest) {
  const kind = page[header];
  if (![INDEX_INTERIOR, INDEX_LEAF, TABLE_LEAF].includes(kind)) return [];
  const pointers = header + (kind === INDEX_INTERIOR ? 12 : 8);
  const count = page.readUInt16BE(header + 3);
  const found = [];
  for (let at = pointers; at < pointers + 2 * count && at + 2 <= page.length; at += 2) {
    const cell = page.readUInt16BE(at);
    if (cell >= pointers && cell + 8 < page.length) found.push(payload(page, cell, kind, usable, latest));
  }
  return found;
}

function payload(page, cell, kind, usable, latest) {
  let [length, at] = varint(page, kind === INDEX_INTERIOR ? cell + 4 : cell);
  if (kind === TABLE_LEAF) [, at] = varint(page, at);
  const most = kind === TABLE_LEAF ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const fitting = least + ((length - least) % (usable - 4));
  const local = length <= most ? length : fitting <= most ? fitting : least;
  const parts = [page.subarray(at, at + local)];
  if (length > most && at + local + 4 <= page.length) {
    const seen = new Set();
    let next = page.readUInt32BE(at + local);
    for (let left = length - local; left > 0 && latest.has(next) && !seen.has(next); left -= usable - 4) {
      seen.add(next);
      const more = latest.get(next);
      parts.push(more.subarray(4, 4 + Math.min(left, usable - 4)));
      next = more.readUInt32BE(0);
    }
  }
  return Buffer.concat(parts);
}

function varint(bytes, at) {
  let value = 0;
  for (let count = 0; count < 8; count += 1) {
    const byte = bytes[at++];
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return [value, at];
  }
  return [value * 256 + bytes[at++], at];
}
