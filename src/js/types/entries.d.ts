/** What is stored, and what a write answers. */

import type { StorageError } from "./errors.js";
import type { Key } from "./schema.js";

export type Metadata = Record<string, unknown>;

export interface Item {
  key: Key;
  /** Counts the writes of this entry. */
  version: number;
  created: Date;
  modified: Date;
  tags: string[];
  metadata?: Metadata;
  expires?: Date;
  /** Whether its value is sealed at rest: with its collection, or by itself. */
  encrypted: boolean;
}

export interface Entry<T> extends Omit<Item, "key" | "encrypted"> {
  value: T;
}

export interface WriteResult {
  key: Key;
  version: number;
  modified: Date;
  /** What the write has survived: a power cut, a killed browser, or nothing but this page. */
  durability: "strict" | "relaxed" | "memory";
}

export type WriteOutcome = ({ success: true } & WriteResult) | { success: false; error: StorageError };
