/** What a failed call rejects with. */

/**
 * A failed call.
 *
 * @example
 * try {
 *   await store.set("name", "Ada", { overwrite: false });
 * } catch (error) {
 *   if (error instanceof StorageError && error.code === "ALREADY_EXISTS") console.log("taken");
 * }
 */
export class StorageError extends Error {
  constructor(
    code: StorageErrorCode,
    message: string,
    details?: { retryable?: boolean; operation?: string; context?: Record<string, string>; cause?: unknown },
  );
  readonly code: StorageErrorCode;
  /** Whether the same call may succeed later, unchanged. */
  readonly retryable: boolean;
  readonly operation: string;
  /** What was concerned; never a value or a secret. */
  readonly context: Readonly<Record<string, string>>;
}

export type StorageErrorCode =
  | "NOT_FOUND" | "ALREADY_EXISTS" | "INVALID_KEY" | "INVALID_VALUE" | "INVALID_NAMESPACE" | "INVALID_QUERY" | "INVALID_CONFIG"
  | "INVALID_TRANSACTION" | "NOT_EMPTY" | "CONFLICT" | "VALIDATION_FAILED" | "QUOTA_EXCEEDED" | "ACCESS_DENIED"
  | "AUTHENTICATION_FAILED" | "LOCKED" | "KEY_MISSING" | "DECRYPTION_FAILED" | "INSECURE_CONTEXT" | "CORRUPTED" | "NETWORK_ERROR"
  | "TIMEOUT" | "SERIALIZATION_ERROR" | "UNSUPPORTED" | "VERSION_ERROR" | "BLOCKED" | "CONNECTION_LOST" | "CLOSED" | "ABORTED";
