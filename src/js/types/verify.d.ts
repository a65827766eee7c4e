/** Whether what is stored fits together. */

import type { Key } from "./schema.js";
import type { SignalOption } from "./signal.js";

export interface VerifyOptions extends SignalOption {
  /** Records read, of how many. */
  onProgress?: (done: number, total: number) => void;
}

export interface VerifyReport {
  /** Whether nothing is wrong. Records that are over, and sealed ones that were not opened, are not wrong. */
  sound: boolean;
  /** Every collection and namespace, and `credentials`. */
  collections: VerifiedCollection[];
  outbox: {
    rows: number;
    /** Rows that name nothing that waits to be sent. */
    orphaned: number;
    /** Rows that cannot be read. */
    damaged: number;
  };
  tombstones: { rows: number; besideLive: number };
  /** How much was removed; with `repair`. */
  repaired?: { expired: number; orphaned: number; tombstones: number };
}

export interface VerifiedCollection {
  name: string;
  /** Those that are over among them. */
  records: number;
  /** The records that are not what was written; only sealed ones and those with a checksum can tell it of any damage. */
  corrupted: Key[];
  /** Sealed records whose key was not open. */
  unopened: number;
  expired: number;
  /** The indexes that disagree with the records, and the entries that they have and should have. */
  indexes: { name: string; entries: number; wanted: number }[];
}
