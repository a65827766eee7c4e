/** Full-text search. */

import type { QueryResult } from "./query.js";
import type { SearchableField } from "./schema.js";

export interface SearchOptions<C = unknown> {
  /** Default 20. */
  limit?: number;
  /** Some of the declared fields; all, without. */
  fields?: SearchableField<C>[];
  /** `"all"` words must be there, the default, or `"any"`, one at least. */
  match?: "all" | "any";
  /** Whether words may be the beginnings of others: none, the default; every one (`true`); the `"last"`, for searching while typing. */
  prefix?: boolean | "last";
  /** Continues behind a page: its `next`. Pages fit together as long as nothing is written in between. */
  after?: string;
  /** Is told how many records of how many the index holds, where it has to be built first. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

export interface SearchHit<T> extends QueryResult<T> {
  /** By BM25F: the higher, the better it fits. Comparable within one search only. */
  score: number;
  /** The words of the record that were looked for, folded as the index has them. */
  matched: string[];
}

/** Hits, the best first; equal ones in the order of their keys as text. */
export interface SearchPage<T> extends Array<SearchHit<T>> {
  /** Where the next page begins, if there are more hits. */
  next?: string | undefined;
}
