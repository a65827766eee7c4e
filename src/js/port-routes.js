/** What crosses a port: routes, and errors as plain objects. */

import { StorageError } from './errors.js';

/** What is served: for each call the names of what it is given, in order. What is not here is not served. */
export const ROUTES = {
  '': {
    get: ['key', 'options'],
    set: ['key', 'value', 'options'],
    delete: ['key', 'options'],
    has: ['key', 'options'],
    getMany: ['keys', 'options'],
    prefetch: ['keys', 'options'],
    setMany: ['entries', 'options'],
    deleteMany: ['keys', 'options'],
    keys: ['options'],
    list: ['options'],
    query: ['filter', 'options'],
    count: ['options'],
    clear: ['options'],
    getMetadata: ['key', 'options'],
    setMetadata: ['key', 'metadata', 'options'],
    beginTransaction: ['options'],
    commit: ['transactionId'],
    rollback: ['transactionId'],
    createNamespace: ['name', 'options'],
    deleteNamespace: ['name', 'options'],
    listNamespaces: ['options'],
    getInfo: [],
    getCapabilities: [],
    getStatus: [],
    estimate: [],
    persist: [],
    metrics: [],
    verify: ['options'],
    repair: ['options'],
  },
  'collection/': {
    get: ['key'],
    put: ['record', 'options'],
    putMany: ['records', 'options'],
    update: ['key', 'change'],
    getMany: ['keys'],
    prefetch: ['keys'],
    delete: ['key'],
    deleteMany: ['keys'],
    has: ['key'],
    keys: ['options'],
    list: ['options'],
    all: ['options'],
    query: ['filter', 'options'],
    explain: ['filter', 'options'],
    count: ['filter'],
    search: ['text', 'options'],
    reindex: ['options'],
    clear: [],
  },
  'credentials/': {
    unlock: ['options'],
    lock: [],
    unlockers: [],
    addUnlocker: ['options'],
    removeUnlocker: ['id'],
    changePassphrase: ['next'],
    rotate: ['options'],
    preferences: [],
    setPreferences: ['preferences'],
    set: ['service', 'secret', 'options'],
    get: ['service'],
    list: [],
    has: ['service'],
    delete: ['service'],
  },
  'sync/': {
    enable: ['on'],
    setPreferences: ['preferences'],
    setInterval: ['seconds'],
    run: ['options'],
    status: [],
    pending: [],
    retry: ['id'],
    discard: ['id'],
    conflicts: ['options'],
    resolve: ['id', 'choice'],
  },
};
/** What is given as an iterable, which has no copy. */
export const ITERABLES = ['keys', 'entries', 'records'];
/** Calls whose answer may hold errors. */
export const TELLING = ['setMany', 'putMany', 'sync.status', 'sync.pending'];
/** Calls whose answer is a Map by the very keys that were given. */
export const BY_KEY = ['getMany', 'setMany', 'deleteMany'];

export const SCHEME = 'storage://';

export const failure = (code, message, operation, details) => new StorageError(code, message, { operation, ...details });
export const isObject = (value) => typeof value === 'object' && value !== null;
export const operationOf = (path) => path.replace(/^collection\//, '').replace('/', '.');

/** A StorageError as a plain object, since a copy of an error forgets its class. */
export function packed(thrown, operation) {
  const error = thrown instanceof StorageError ? thrown : failure('INVALID_VALUE', String(thrown?.message ?? thrown), operation);
  const { code, message, retryable, cause } = error;
  return { code, message, retryable, operation: error.operation, context: { ...error.context }, ...(typeof cause === 'string' && { cause }) };
}

export const unpacked = ({ code, message, ...details }) => new StorageError(code, message, details);

/** The objects of an answer that may hold an error: itself, or its items. */
const holders = (value) => (value instanceof Map ? [...value.values()] : Array.isArray(value) ? value : [value]).filter(isObject);

/** The errors that an answer holds: which object, which property, and the error. */
export function errorsIn(value) {
  if (value instanceof StorageError) return [[-1, '', packed(value)]];
  return holders(value).flatMap((holder, at) =>
    Object.entries(holder).flatMap(([name, found]) => (found instanceof StorageError ? [[at, name, packed(found)]] : [])));
}

/** Puts the errors of an answer back. */
export function withErrors(value, errors = []) {
  const found = errors.length > 0 ? holders(value) : [];
  for (const [at, name, error] of errors) {
    if (at < 0) return unpacked(error);
    found[at][name] = unpacked(error);
  }
  return value;
}

/** The port, if it is one. */
export function checked(port, operation) {
  if (typeof port?.postMessage !== 'function' || typeof port.addEventListener !== 'function') {
    throw failure('INVALID_CONFIG', 'a port has postMessage() and addEventListener()', operation);
  }
  return port;
}
