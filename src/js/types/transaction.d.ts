/** Several calls as one write. */

import type { Collection } from "./collection.js";
import type { KeyValue } from "./key-value.js";
import type { AnySchema, Key, Schema } from "./schema.js";

/**
 * What the body of a transaction works with: the calls of a store, and its collections. They see what the transaction has
 * written. {@link Collection.search} finds and ranks by the words of what is committed: a record that the transaction
 * deleted does not come, one that it changed comes by its words of before, and one that it added is not found.
 */
export interface Transaction<S extends Schema<S> = AnySchema> extends KeyValue {
  collection<C extends keyof S & string>(name: C): Collection<S[C]>;
  namespace<T = unknown>(name: string): Collection<{ key: Key; value: T }>;
}

export interface TransactionOptions {
  /**
   * `"read-committed"`, the default: what is committed at the time of each call. `"read-uncommitted"`: also what other
   * open transactions of this store have written. `"serializable"`: nothing that it read may have changed until its
   * commit, in this tab or another; else `CONFLICT`.
   */
  isolation?: "read-committed" | "read-uncommitted" | "serializable";
  /** How long a body may take, or a begun transaction be unused, in milliseconds. Default 60 000. */
  timeout?: number;
  /** How often the body runs again when others were first. Default 5. */
  retries?: number;
}
