/** A failed call. `code` is what programs match on; `retryable`, whether the same call may succeed later, unchanged. */
export class StorageError extends Error {
  constructor(code, message, { retryable = false, operation = '', context = {}, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = retryable;
    this.operation = operation;
    this.context = Object.freeze(context);
  }
}

// On the prototype, as with the errors of the language, so that it is no property of each error.
Object.defineProperty(StorageError.prototype, 'name', { value: 'StorageError', configurable: true, writable: true });

/** Makes an error of its parts; the context comes as names and values in turn. */
export function storageError(code, message, retryable, operation, parts, cause) {
  const context = {};
  for (let at = 0; at < parts.length; at += 2) context[parts[at]] = parts[at + 1];
  return new StorageError(code, message, { retryable, operation, context, cause });
}
