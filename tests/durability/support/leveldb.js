import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

// The logs of Chromium's IndexedDB, as LevelDB's doc/log_format.md describes them: blocks of 32 KiB; records of a header
// (checksum, length, type) and bytes, which no block's end cuts; a batch of writes in one record or in several.

/** The blocks of a log, and the header of a record, in bytes. */
export const BLOCK = 32_768;
export const HEADER = 7;

const FULL = 1;
const FIRST = 2;
const LAST = 4;

/** The folder of the database below IndexedDB. */
export function databaseOf(profile) {
  const folder = join(profile, "Default/IndexedDB");
  return join(folder, readdirSync(folder).find((name) => name.endsWith(".leveldb")));
}

/** The paths of a database's logs, the oldest first. */
export const logsOf = (database) =>
  readdirSync(database)
    .filter((name) => /^\d+\.log$/.test(name))
    .sort()
    .map((name) => join(database, name));

/**
 * Whether a log goes on with later writes than those that end the log before it.
 *
 * LevelDB begins a new log every few megabytes, and does not sync the old one: until what it holds lies in a table, some
 * ten milliseconds later, a power cut takes the last of it, and leaves what was written and synced behind that.
 */
export function lacksTail(profile) {
  const logs = logsOf(databaseOf(profile)).map((path) => batches(readFileSync(path)));
  return logs.some(({ first }, at) => at > 0 && first !== undefined && logs[at - 1].next !== undefined && first !== logs[at - 1].next);
}

/** The number of the first write of a log, and the one behind its last, as far as whole batches go. */
function batches(log) {
  let first;
  let next;
  let parts = [];
  for (let at = 0; at + HEADER <= log.length; ) {
    const left = BLOCK - (at % BLOCK);
    if (left < HEADER) {
      at += left;
      continue;
    }
    const length = log.readUInt16LE(at + 4);
    const type = log.readUInt8(at + 6);
    if (type === 0 || at + HEADER + length > log.length) break;
    if (type === FULL || type === FIRST) parts = [];
    parts.push(log.subarray(at + HEADER, at + HEADER + length));
    at += HEADER + length;
    if (type === FULL || type === LAST) {
      // A batch begins with the number of its first write and how many there are.
      const batch = Buffer.concat(parts);
      const number = Number(batch.readBigUInt64LE(0));
      first ??= number;
      next = number + batch.readUInt32LE(8);
    }
  }
  return { first, next };
}
