import { blocks, isTable, records } from "./leveldb.js";
import { streams } from "./snappy.js";
import { isDatabase, payloads } from "./sqlite.js";

/** Where Chromium and Firefox keep what pages store. */
const STORED = /(^|\/)(IndexedDB|Local Storage|Session Storage|Service Worker|WebStorage|storage\/default)\//;

/**
 * Everything that lies in a file: its bytes; the blocks of a LevelDB table and the records of a LevelDB log, the rows of a
 * SQLite database, each unpacked and in one piece; and of what pages store, what is in every stream of Snappy that begins
 * anywhere in these.
 *
 * @param {string} path As seen from the folder that is searched.
 * @param {Buffer} bytes
 * @param {Buffer} [log] The write-ahead log beside a SQLite database.
 * @returns {Buffer[]}
 */
export function layers(path, bytes, log) {
  const found = [bytes, ...pieces(path, bytes, log)];
  if (!STORED.test(path)) return found;
  // Chromium packs values, and LevelDB packs blocks of them again.
  const once = found.map((piece) => Buffer.concat(streams(piece)));
  const nested = isTable(bytes) ? once.map((piece) => Buffer.concat(streams(piece))) : [];
  return [...found, ...once, ...nested].filter(({ length }) => length > 0);
}

function pieces(path, bytes, log) {
  if (isTable(bytes)) return blocks(bytes);
  if (isDatabase(bytes)) return payloads(bytes, log);
  return path.endsWith(".log") ? records(bytes) : [];
}
