/** How long calls took. */

import type { StorageError } from "./errors.js";

export interface StorageMetrics {
  backend: string;
  /** When the store was opened. */
  since: Date;
  /** By the names that {@link StorageError.operation} has. */
  operations: { [operation: string]: OperationMetrics };
  /** What the rounds of sync did that succeeded in this tab, whoever asked for them. */
  sync: SyncMetrics;
}

/** Sums over rounds; the rate of conflicts is `conflicts / (pushed + pulled)`. Times are milliseconds. */
export interface SyncMetrics {
  rounds: number;
  pushed: number;
  pulled: number;
  conflicts: number;
  /** Documents that were set aside. */
  failed: number;
  p50: number;
  p95: number;
  max: number;
}

/** Times are milliseconds, from the call to its answer, waiting for others included. */
export interface OperationMetrics {
  count: number;
  errors: number;
  p50: number;
  p95: number;
  max: number;
}
