/** Calls that their caller can call off, by an `AbortSignal`. */

import { StorageError } from './errors.js';

const calledOff = (signal, operation) =>
  new StorageError('ABORTED', 'the caller called it off', { retryable: true, operation, cause: signal.reason });

/** Why a call with this signal does not even begin, if it does not: an error, or undefined. */
export function refusal(signal, operation) {
  if (signal === undefined || signal === null) return undefined;
  if (typeof signal.aborted !== 'boolean' || typeof signal.addEventListener !== 'function') {
    return new StorageError('INVALID_CONFIG', 'the option must be an AbortSignal (option: signal)', { operation, context: { option: 'signal' } });
  }
  return signal.aborted ? calledOff(signal, operation) : undefined;
}

/** The promise of a call that has begun; it rejects as soon as the call is called off, whatever becomes of what was begun. */
export function until(signal, promise, operation) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(calledOff(signal, operation));
    signal.addEventListener('abort', abort, { once: true });
    const settled = (settle) => (outcome) => {
      signal.removeEventListener('abort', abort);
      settle(outcome);
    };
    promise.then(settled(resolve), settled(reject));
  });
}
