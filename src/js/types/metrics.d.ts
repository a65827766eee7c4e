/** How long calls took. */

import type { StorageError } from "./errors.js";

export interface StorageMetrics {
  backend: string;
  /** When the store was opened. */
  since: Date;
  /** By the names that {@link StorageError.operation} has. */
  operations: { [operation: string]: OperationMetrics };
}

/** Times are milliseconds, from the call to its answer, waiting for others included. */
export interface OperationMetrics {
  count: number;
  errors: number;
  p50: number;
  p95: number;
  max: number;
}
