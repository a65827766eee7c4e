import { appendFileSync, statSync } from "node:fs";
import { BLOCK, HEADER, databaseOf, logsOf } from "./leveldb.js";

/** What may be found at the end of a log: by what, and the bytes, where a block has room for so many. */
export const ENDS = {
  "a kill between the two system calls of a record": (room) => {
    const header = Buffer.alloc(HEADER);
    header.writeUInt32LE(0x5eed5eed, 0);
    header.writeUInt16LE(Math.min(600, room - HEADER), 4);
    header.writeUInt8(1, 6); // a whole record
    return header;
  },
  "a power cut after the file had grown": (room) => Buffer.alloc(Math.min(600, room)),
};

/**
 * Leaves something at the end of the newest log of Chromium's IndexedDB.
 *
 * @param {string} profile
 * @param {(room: number) => Buffer} end One of the ends.
 */
export function tear(profile, end) {
  const log = logsOf(databaseOf(profile)).at(-1);
  const left = BLOCK - (statSync(log).size % BLOCK);
  // Where a block has no room for more, the log goes on with the next one.
  const bytes = left < 2 * HEADER ? [Buffer.alloc(left), end(BLOCK)] : [end(left)];
  appendFileSync(log, Buffer.concat(bytes));
}
