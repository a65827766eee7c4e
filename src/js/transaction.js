// What the body of a transaction works with: the key-value calls of a store and its collections, and nothing else of it.

const CALLS = [
  'get', 'set', 'delete', 'has', 'getMany', 'setMany', 'deleteMany', 'keys', 'list', 'query', 'count', 'clear',
  'getMetadata', 'setMetadata', 'collection', 'namespace',
];

/** The store as each transaction sees it. */
const views = new WeakMap();

class Transaction {
  constructor(view) {
    views.set(this, view);
  }
}

for (const name of CALLS) {
  const value = function (...given) {
    return views.get(this)[name](...given);
  };
  Object.defineProperty(Transaction.prototype, name, { value, configurable: true, writable: true });
}

/** The transaction over a view of a store. */
export const transaction = (view) => new Transaction(view);
