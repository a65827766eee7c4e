import { openSync, readdirSync, statSync, writeSync, closeSync } from "node:fs";
import { join } from "node:path";

/** The blocks of LevelDB's logs, and the header of a record, in bytes. */
const BLOCK = 32_768;
const HEADER = 7;

/**
 * Leaves at the end of the newest log of Chromium's IndexedDB what a kill leaves between two of its system calls: the header
 * of a record, without the record. Gives the log's path.
 *
 * @param {string} profile
 */
export function tear(profile) {
  const folder = join(profile, "Default/IndexedDB");
  const database = join(folder, readdirSync(folder).find((name) => name.endsWith(".leveldb")));
  const logs = readdirSync(database).filter((name) => /^\d+\.log$/.test(name));
  const log = join(database, logs.sort().at(-1));
  const left = BLOCK - (statSync(log).size % BLOCK);
  // Where a block has no room for more, the log goes on with the next one.
  const filler = left < 2 * HEADER ? Buffer.alloc(left) : Buffer.alloc(0);
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(0x5eed5eed, 0);
  header.writeUInt16LE(Math.min(600, (filler.length > 0 ? BLOCK : left) - HEADER), 4);
  header.writeUInt8(1, 6); // a whole record
  const file = openSync(log, "a");
  writeSync(file, Buffer.concat([filler, header]));
  closeSync(file);
  return log;
}
