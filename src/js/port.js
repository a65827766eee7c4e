/**
 * A store behind a port: one context holds it, and others (pages, workers, frames) call it by messages.
 *
 *     request   { client, id, route: "storage://get", body: { key, options } }
 *     answer    { client, id, value } or { client, id, error }
 *     event     { client, listener, event }
 *
 * The connecting side needs nothing but this file: no WebAssembly, and no IndexedDB.
 *
 * @module tidekeep/port
 */

export { StorageError } from './errors.js';
export { connect } from './port-connect.js';
export { serve } from './port-serve.js';
