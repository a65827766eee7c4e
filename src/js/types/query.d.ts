/** Filters, orders, pages and plans. */

import type { Metadata } from "./entries.js";
import type { BlindField, Key, OrderedField } from "./schema.js";
import type { SignalOption } from "./signal.js";

export type Filter<C = unknown> =
  | { field: OrderedField<C>; operator: Operator; value: unknown }
  /** A field with a blind index can be asked for what is equal; anything else is `INVALID_QUERY`. */
  | { field: BlindField<C>; operator: EqualityOperator; value: unknown }
  /** With `includeMissing`, records that lack the field match too. */
  | { field: OrderedField<C> | BlindField<C>; operator: "ne" | "nin"; value: unknown; includeMissing?: boolean }
  | { and: Filter<C>[] }
  | { or: Filter<C>[] }
  | { not: Filter<C> };

/** How a field is compared. Types never mix, and what is missing matches `exists: false` only: docs/queries.md. */
export type Operator =
  | "eq" | "ne" | "gt" | "gte" | "lt" | "lte" | "in" | "nin" | "between" | "contains" | "startsWith" | "endsWith" | "exists";

/** Whether a field is equal to something, and nothing about its order. */
export type EqualityOperator = "eq" | "ne" | "in" | "nin" | "contains" | "exists";

export interface Sort<C = unknown> {
  field: OrderedField<C>;
  order?: "asc" | "desc";
}

export interface QueryOptions<C = unknown> extends SignalOption {
  /** A missing field comes last either way. Without a sort, rows come in the order of what serves the query. */
  sort?: Sort<C> | Sort<C>[];
  limit?: number;
  /** Passes over so many rows, by reading them; `after` does not. */
  offset?: number;
  /**
   * Goes on behind an earlier page: its `next`. Filter and sort must be those of that page; the limit may differ.
   * Undefined is the first page. A row that stays where it is in the order comes once, whatever is written meanwhile.
   */
  after?: string | undefined;
}

export interface QueryResult<T> {
  key: Key;
  value: T;
  metadata?: Metadata;
}

/** The rows of a query. */
export interface QueryPage<T> extends Array<QueryResult<T>> {
  /** The cursor of the page behind this one; absent where a limit left no more rows, or there was no limit. */
  next?: string | undefined;
}

export interface QueryPlan {
  /** The index, or null where the records' own order served. Of an `or`, it may be several, as in `"name or country"`. */
  index: string | null;
  /** The ranges that were scanned; where several indexes served, each behind the name of its index. */
  range: string;
  /** What was checked of each row. */
  residual: string[];
  sorted: "index" | "memory" | "none";
  rowsRead: number;
}
