/** The serving end of a port. */

import { BY_KEY, ROUTES, SCHEME, TELLING, checked, errorsIn, failure, isObject, operationOf, packed } from './port-routes.js';

/**
 * Serves a store on a port until the returned function is called. One store may be served on many ports; a channel that
 * several share, as a `BroadcastChannel`, has one that serves.
 *
 * @param {import("./types.d.ts").DataStore} store
 * @param {import("./port.d.ts").Port} port
 * @param {{ credentials?: boolean }} [options]
 * @returns {() => void}
 */
export function serve(store, port, options = {}) {
  const server = new Server(store, checked(port, 'serve'), options?.credentials === true);
  return () => server.stop();
}

class Server {
  #store;
  #port;
  #credentials;
  #clients = new Set();
  /** What ends each listener, by client and number. */
  #listeners = new Map();
  /** What calls each call off, by client and number. */
  #calls = new Map();
  #heard = (event) => this.#hear(event.data);
  #closed = () => this.stop();

  constructor(store, port, credentials) {
    this.#store = store;
    this.#port = port;
    this.#credentials = credentials;
    port.addEventListener('message', this.#heard);
    port.addEventListener('close', this.#closed);
    port.start?.();
  }

  stop() {
    this.#port.removeEventListener('message', this.#heard);
    this.#port.removeEventListener('close', this.#closed);
    for (const end of this.#listeners.values()) end();
    this.#listeners.clear();
    for (const client of this.#clients) this.#post({ client, stopped: true });
    this.#clients.clear();
  }

  #post(message) {
    try {
      this.#port.postMessage(message);
    } catch (thrown) {
      const { client, id } = message;
      if (id === undefined) return;
      this.#port.postMessage({ client, id, error: packed(failure('SERIALIZATION_ERROR', `the answer has no copy: ${thrown?.message}`, 'serve')) });
    }
  }

  async #hear(message) {
    // Others may use the same channel; what has no route is not for us.
    if (!isObject(message) || !('route' in message)) return;
    const { client, id, route } = message;
    const operation = typeof route === 'string' ? operationOf(route.slice(SCHEME.length)) : 'serve';
    if (isObject(client) || isObject(id)) {
      this.#post({ error: packed(failure('INVALID_VALUE', 'the client and the id of a message are texts or numbers', operation)) });
      return;
    }
    this.#clients.add(client);
    try {
      const value = await this.#answer(message, `${client} ${id}`);
      const errors = TELLING.includes(operation) ? errorsIn(value) : [];
      this.#post(errors.length > 0 ? { client, id, value, errors } : { client, id, value });
    } catch (thrown) {
      this.#post({ client, id, error: packed(thrown, operation) });
    } finally {
      this.#calls.delete(`${client} ${id}`);
    }
  }

  #answer({ client, route, body = {}, abortable, progress, id }, call) {
    const refuse = (code, message) => {
      throw failure(code, message, 'serve', { context: { route: String(route).slice(0, 100) } });
    };
    if (typeof route !== 'string' || !route.startsWith(SCHEME)) refuse('UNSUPPORTED', `a route begins with ${SCHEME}`);
    if (!isObject(body) || Array.isArray(body)) refuse('INVALID_VALUE', 'the body of a message is an object');
    const path = route.slice(SCHEME.length);
    const listener = `${client} ${body.listener}`;
    switch (path) {
      case 'on':
        return this.#listen(listener, (tell) => this.#store.on(body.event, tell), client, body.listener);
      case 'collection/watch':
        return this.#listen(listener, (tell) => this.#collection(body).watch(body.filter, tell, body.options), client, body.listener);
      case 'stop':
        this.#end(listener);
        return undefined;
      case 'abort':
        this.#calls.get(`${client} ${body.id}`)?.abort();
        return undefined;
      case 'close':
        for (const name of [...this.#listeners.keys()].filter((name) => name.startsWith(`${client} `))) this.#end(name);
        this.#clients.delete(client);
        return undefined;
      default:
    }
    const room = path.slice(0, path.indexOf('/') + 1);
    const name = path.slice(room.length);
    if (!Object.hasOwn(ROUTES, room) || !Object.hasOwn(ROUTES[room], name)) refuse('UNSUPPORTED', 'there is no such route');
    const names = ROUTES[room][name];
    const unknown = Object.keys(body).find((given) => !names.includes(given) && !(room === 'collection/' && given === 'collection'));
    if (unknown !== undefined) refuse('INVALID_VALUE', `the body has “${unknown.slice(0, 100)}”, which this route does not take`);
    if (!this.#credentials && (room === 'credentials/' || (path === 'clear' && body.options?.includeCredentials))) {
      throw failure('ACCESS_DENIED', 'credentials are not served on this port; serve(store, port, { credentials: true }) serves them', operationOf(path));
    }
    const target = room === 'collection/' ? this.#collection(body) : room === '' ? this.#store : this.#store[room.slice(0, -1)];
    if (typeof target[name] !== 'function') refuse('UNSUPPORTED', 'this store has no such call');
    const given = names.map((argument) => body[argument]);
    const at = names.indexOf('options');
    if ((abortable || progress) && at >= 0) {
      const controller = new AbortController();
      if (abortable) this.#calls.set(call, controller);
      given[at] = {
        ...given[at],
        ...(abortable && { signal: controller.signal }),
        ...(progress && { onProgress: (done, total) => this.#post({ client, id, progress: [done, total] }) }),
      };
    }
    const answer = target[name](...given);
    return BY_KEY.includes(name) && room !== 'sync/' ? byPosition(answer, body) : answer;
  }

  #collection({ collection }) {
    if (typeof collection !== 'string') throw failure('INVALID_VALUE', 'the body names no collection', 'collection');
    return this.#store.collection(collection);
  }

  #listen(name, subscribe, client, listener) {
    this.#end(name);
    const tell = (event) => {
      const errors = errorsIn(event);
      this.#post(errors.length > 0 ? { client, listener, event, errors } : { client, listener, event });
    };
    this.#listeners.set(name, subscribe(tell));
  }

  #end(name) {
    this.#listeners.get(name)?.();
    this.#listeners.delete(name);
  }
}

/** The answers by the position of their keys: a copy of a key is not the caller's own. */
async function byPosition(answer, { keys, entries }) {
  const found = await answer;
  const given = keys ?? entries.map(({ key }) => key);
  const positions = new Map(given.map((key, at) => [key, at]));
  return new Map([...found].map(([key, value]) => [positions.get(key), value]));
}
