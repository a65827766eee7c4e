/** The result of a query as it changes. */

import type { QueryResult } from "./query.js";
import type { Key } from "./schema.js";

export interface LiveResult<T> {
  rows: QueryResult<T>[];
  /** Keys that are new among the rows, in their order. */
  added: Key[];
  /** Keys of rows that are other than before, in their order. */
  changed: Key[];
  /** Keys that are among the rows no longer. */
  removed: Key[];
}
