/** The connecting end of a port. */

import { StorageError } from './errors.js';
import { BY_KEY, ITERABLES, ROUTES, SCHEME, checked, failure, isObject, operationOf, packed, unpacked, withErrors } from './port-routes.js';
import { rows } from './pages.js';
import { refusal, until } from './signal.js';

const DEFAULT_TIMEOUT = 30_000;
/** How often an update begins again when others write the same record. */
const UPDATE_ATTEMPTS = 16;

/**
 * The store that is served at the other end of a port.
 *
 * @param {import("./port.d.ts").Port} port
 * @param {{ timeout?: number }} [options]
 * @returns {import("./port.d.ts").RemoteStore}
 */
export function connect(port, options = {}) {
  const { timeout = DEFAULT_TIMEOUT } = options ?? {};
  if (typeof timeout !== 'number' || !(timeout > 0)) {
    throw failure('INVALID_CONFIG', 'the time limit is a positive number of milliseconds, or Infinity', 'connect', { context: { option: 'timeout' } });
  }
  const line = new Line(checked(port, 'connect'), timeout);
  return remoteStore(line);
}

/** One end of a port: what was asked, and who listens. */
class Line {
  #port;
  #timeout;
  #client = Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join('-');
  #next = 0;
  #waiting = new Map();
  #listeners = new Map();
  /** Why nothing is asked any more, once that is so. */
  #ended;
  #heard = (event) => this.#hear(event.data);
  #lost = () => this.#end(['CONNECTION_LOST', 'the port is closed; connect again', true]);

  constructor(port, timeout) {
    this.#port = port;
    this.#timeout = timeout;
    port.addEventListener('message', this.#heard);
    port.addEventListener('close', this.#lost);
    port.start?.();
  }

  #hear(message) {
    if (!isObject(message) || message.client !== this.#client || 'route' in message) return;
    if (message.stopped) {
      this.#end(['CONNECTION_LOST', 'the store is not served any more; connect again', true]);
      return;
    }
    if (message.listener !== undefined) {
      this.#listeners.get(message.listener)?.(withErrors(message.event, message.errors));
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (message.progress) waiting?.onProgress?.(...message.progress);
    else if (message.error) waiting?.reject(unpacked(message.error));
    else waiting?.resolve(withErrors(message.value, message.errors));
  }

  #end(why) {
    if (this.#ended) return;
    this.#ended = why;
    this.#port.removeEventListener('message', this.#heard);
    this.#port.removeEventListener('close', this.#lost);
    this.#listeners.clear();
    for (const { operation, reject } of [...this.#waiting.values()]) reject(this.#whyNot(operation));
  }

  #whyNot(operation) {
    const [code, message, retryable] = this.#ended;
    return failure(code, message, operation, { retryable });
  }

  close() {
    if (this.#ended) return;
    this.#post({ client: this.#client, id: (this.#next += 1), route: `${SCHEME}close` }, 'close');
    this.#end(['CLOSED', 'the connection was closed', false]);
  }

  #post(message, operation) {
    try {
      this.#port.postMessage(message);
    } catch (thrown) {
      throw failure('INVALID_VALUE', `what was given has no copy; functions, symbols and handles have none: ${thrown?.name}`, operation);
    }
  }

  /** Asks, and gives the promise of the answer. */
  ask(path, body) {
    const operation = operationOf(path);
    const { signal, onProgress, ...options } = body.options ?? {};
    const refused = refusal(signal, operation);
    if (refused) return Promise.reject(refused);
    const id = (this.#next += 1);
    const request = { client: this.#client, id, route: SCHEME + path, body };
    if (signal) request.abortable = true;
    if (onProgress) request.progress = true;
    if (signal || onProgress) request.body = { ...body, options };
    const answer = new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#whyNot(operation));
        return;
      }
      const late = () => reject(failure('TIMEOUT', `there was no answer within ${this.#timeout} ms; what was asked may have happened`, operation, { retryable: true }));
      const timer = this.#timeout < 2 ** 31 ? setTimeout(late, this.#timeout) : undefined;
      const settled = (settle) => (outcome) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        settle(outcome);
      };
      this.#waiting.set(id, { operation, onProgress, resolve: settled(resolve), reject: settled(reject) });
      try {
        this.#post(request, operation);
      } catch (error) {
        this.#waiting.get(id).reject(error);
      }
    });
    if (!signal) return answer;
    const abort = () => this.ask('abort', { id }).catch(() => undefined);
    signal.addEventListener('abort', abort, { once: true });
    return until(signal, answer, operation).finally(() => signal.removeEventListener('abort', abort));
  }

  /** Listens until the returned function is called. */
  listen(path, body, listener) {
    const number = (this.#next += 1);
    this.#listeners.set(number, (event) => {
      try {
        listener(event);
      } catch (thrown) {
        report(thrown);
      }
    });
    this.ask(path, { ...body, listener: number }).catch((error) => {
      if (this.#listeners.delete(number)) report(error);
    });
    return () => {
      if (this.#listeners.delete(number)) this.ask('stop', { listener: number }).catch(() => undefined);
    };
  }
}

/** Tells of a failure that no caller waits for. */
const report = (error) => (typeof globalThis.reportError === 'function' ? globalThis.reportError(error) : console.error(error));

/** The calls of a room as methods; `fixed` is in the body of each. */
function methods(line, room, fixed) {
  const made = {};
  for (const [name, names] of Object.entries(ROUTES[room])) {
    made[name] = async (...given) => {
      const body = { ...fixed };
      names.forEach((argument, at) => {
        if (given[at] !== undefined) body[argument] = ITERABLES.includes(argument) ? items(given[at], name) : given[at];
      });
      const answer = await line.ask(room + name, body);
      if (!BY_KEY.includes(name)) return answer;
      return new Map([...answer].map(([at, value]) => [body.keys ? body.keys[at] : body.entries[at].key, value]));
    };
  }
  return made;
}

function items(value, operation) {
  if (typeof value === 'string' || typeof value?.[Symbol.iterator] !== 'function') {
    throw failure('INVALID_VALUE', 'an array or another iterable is wanted here', operation);
  }
  return [...value];
}

function remoteCollection(line, name, store) {
  const calls = methods(line, 'collection/', { collection: name });
  return {
    ...calls,
    name,
    iterate(options) {
      return rows(this, { ...options });
    },
    update: (key, change) => (typeof change === 'function' ? updated(store, name, key, change) : calls.update(key, change)),
    watch: (filter, listener, options) => line.listen('collection/watch', { collection: name, filter, ...(options && { options }) }, listener),
  };
}

/** Changes a record by a function, which cannot be sent: it runs here, and what it makes is written over the version it saw. */
async function updated(store, namespace, key, change) {
  const during = (error) => {
    throw error instanceof StorageError ? unpacked({ ...packed(error), operation: 'update' }) : error;
  };
  for (let attempt = 1; ; attempt += 1) {
    const { value, version, expires } = await store.get(key, { namespace, includeMetadata: true, required: true }).catch(during);
    const changed = change(value);
    const options = { namespace, ifVersion: version, ...(expires && { expiration: expires }) };
    try {
      return await store.set(key, changed, options);
    } catch (error) {
      if (error.code !== 'CONFLICT' || attempt >= UPDATE_ATTEMPTS) during(error);
    }
  }
}

function remoteStore(line) {
  const store = {
    ...methods(line, ''),
    collection: (name) => remoteCollection(line, name, store),
    namespace: (name) => remoteCollection(line, name, store),
    credentials: methods(line, 'credentials/'),
    sync: methods(line, 'sync/'),
    on: (event, listener) => line.listen('on', { event }, listener),
    close: async () => line.close(),
  };
  if (typeof Symbol.asyncDispose === 'symbol') store[Symbol.asyncDispose] = store.close;
  return store;
}
