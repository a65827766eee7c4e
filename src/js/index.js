/**
 * tidekeep: offline-first storage for web applications.
 *
 * This module loads the WebAssembly beside it, once, at the first call that needs it, in pages, workers, service
 * workers and Node. Importing it does nothing.
 *
 * @module tidekeep
 */

import { canWake, wakeFor } from "./background.js";
import { bodyText } from "./body.js";
import { StorageError, storageError } from "./errors.js";
import { lend } from "./host.js";
import * as keys from "./keys.js";
import { lead } from "./leader.js";
import { listen } from "./live.js";
import { rows } from "./pages.js";
import { askPasskey, createPasskey, passkeySupport } from "./passkey.js";
import { profiled } from "./profile.js";
import { written } from "./results.js";
import { compile as compileSchema } from "./schema.js";
import { refusal, until } from "./signal.js";
import instantiate, { Collection, DataStore, createStorage as open } from "./tidekeep.js";
import { transaction } from "./transaction.js";

export { passkeySupport, StorageError };

lend({
  bodyText,
  storageError,
  refusal,
  until,
  compile: compileSchema,
  transaction,
  createPasskey,
  askPasskey,
  lead,
  listen,
  canWake,
  written,
  ...keys,
});

if (typeof Symbol.asyncDispose === "symbol") {
  // `await using store = …` closes it at the end of the block.
  Object.defineProperty(DataStore.prototype, Symbol.asyncDispose, {
    value() {
      return this.close();
    },
    configurable: true,
    writable: true,
  });
}

/** What ends the asking for a service worker, by store. */
const wakings = new WeakMap();

for (const name of ["close", "destroy"]) {
  const original = DataStore.prototype[name];
  Object.defineProperty(DataStore.prototype, name, {
    value() {
      wakings.get(this)?.();
      return original.call(this);
    },
    configurable: true,
    writable: true,
  });
}

Object.defineProperty(DataStore.prototype, "metrics", {
  value() {
    throw failure("INVALID_CONFIG", "nothing is measured; open the store with “profile: true”", { operation: "metrics" });
  },
  configurable: true,
  writable: true,
});

// It asks for nothing but pages, so it is written where they arrive.
Object.defineProperty(Collection.prototype, "iterate", {
  value(options) {
    return rows(this, { ...options });
  },
  configurable: true,
  writable: true,
});

/** The load under way or done. A failed one is forgotten, so that a later call can try again. */
let loading;

/**
 * Opens a data store, creating or upgrading its database where needed. Loads the WebAssembly first, if nothing has yet.
 *
 * @example
 * const store = await createStorage({ name: "notes" });
 * await store.set("greeting", { text: "hello" });
 *
 * @param {import("./types.d.ts").StorageOptions} [options]
 * @returns {Promise<import("./types.d.ts").DataStore>}
 */
export async function createStorage(options) {
  const signal = options?.signal;
  const refused = refusal(signal, "createStorage");
  if (refused) throw refused;
  const opening = opened(options);
  if (!signal) return opening;
  try {
    return await until(signal, opening, "createStorage");
  } catch (error) {
    // What opens all the same has nobody to close it.
    if (signal.aborted) opening.then((store) => store.close(), () => undefined);
    throw error;
  }
}

async function opened(options) {
  const start = globalThis.performance?.now();
  await init();
  const store = await open(options);
  if (options?.sync) wakings.set(store, wakeFor(store));
  return options?.profile === true ? profiled(store, start) : store;
}

/**
 * Loads the WebAssembly from a place of one's own: needed only where the file beside this module cannot be fetched, or to
 * load ahead of time. Calls made while a load is under way share it, and after a load nothing is left to do.
 *
 * @example
 * await init("/assets/tidekeep_bg.wasm");
 *
 * @param {string | URL | BufferSource | Response | WebAssembly.Module} [source] A URL, an answer of `fetch`, the bytes of
 *   the module, or the module compiled. A relative URL is relative to the page or worker; in Node, to the working folder.
 * @returns {Promise<void>}
 */
export function init(source) {
  loading ??= load(source).catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(source) {
  if (typeof WebAssembly !== "object") {
    throw failure("UNSUPPORTED", "this platform has no WebAssembly");
  }
  const module = await (source === undefined ? compileFrom(besideThisModule()) : compileGiven(source));
  try {
    await instantiate({ module_or_path: module });
  } catch (cause) {
    throw source === undefined
      ? failure("UNSUPPORTED", "the WebAssembly module cannot be started on this platform", { cause })
      : failure("INVALID_CONFIG", "what init() was given is not the WebAssembly module of this version", { cause });
  }
}

function besideThisModule() {
  try {
    // Bundlers know this expression and put the file into the application.
    return new URL("./tidekeep_bg.wasm", import.meta.url);
  } catch (cause) {
    throw failure("UNSUPPORTED", "this script does not know its own address; give init() the module's", { cause });
  }
}

/** Compiles what a caller gave; told by tag, since an object of another frame is no instance of this one's classes. */
function compileGiven(source) {
  if (typeof source === "string") {
    return compileFrom(resolve(source));
  }
  if (ArrayBuffer.isView(source)) {
    return compile(source, "INVALID_CONFIG", "the bytes that init() was given");
  }
  switch (Object.prototype.toString.call(source)) {
    case "[object WebAssembly.Module]":
      return source;
    case "[object ArrayBuffer]":
      return compile(source, "INVALID_CONFIG", "the bytes that init() was given");
    case "[object URL]":
      return compileFrom(source);
    case "[object Response]":
      return compileResponse(source);
    default:
      throw failure("INVALID_CONFIG", "init() takes a URL, a Response, bytes or a WebAssembly.Module");
  }
}

function resolve(address) {
  try {
    return new URL(address, globalThis.location?.href ?? builtin("node:url")?.pathToFileURL("./").href);
  } catch (cause) {
    throw failure("INVALID_CONFIG", "init() cannot make out the address it was given; give the whole URL", { cause });
  }
}

async function compileFrom(url) {
  const files = url.protocol === "file:" ? builtin("node:fs/promises") : undefined;
  if (files) {
    // fetch refuses files in Node.
    const bytes = await files.readFile(url).catch((cause) => {
      throw unreachable(url, "cannot be read", cause);
    });
    return compile(bytes, "NETWORK_ERROR", url.href);
  }
  const response = await fetch(url).catch((cause) => {
    throw unreachable(url, "cannot be fetched", cause);
  });
  return compileResponse(response);
}

async function compileResponse(response) {
  if (!response.ok) {
    throw unreachable(response, `was answered with HTTP ${response.status}`);
  }
  const type = response.headers.get("content-type") ?? "";
  // Servers that do not know the type are common; engines stream nothing but this exact one.
  if (type.toLowerCase() === "application/wasm" && typeof WebAssembly.compileStreaming === "function") {
    return WebAssembly.compileStreaming(response).catch((cause) => {
      throw cause?.name === "CompileError" ? refused(cause) : unreachable(response, "broke off", cause);
    });
  }
  const bytes = await response.arrayBuffer().catch((cause) => {
    throw unreachable(response, "broke off", cause);
  });
  return compile(bytes, "NETWORK_ERROR", `${response.url} (${type || "no content type"})`);
}

/** Compiles bytes; `code` is for bytes that are no WebAssembly at all, such as a server's page for unknown addresses. */
async function compile(bytes, code, origin) {
  const [first, second, third, fourth] = ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, Math.min(4, bytes.byteLength))
    : new Uint8Array(bytes, 0, Math.min(4, bytes.byteLength));
  if (first !== 0x00 || second !== 0x61 || third !== 0x73 || fourth !== 0x6d) {
    throw failure(code, `not WebAssembly: ${origin}`, { retryable: code === "NETWORK_ERROR" });
  }
  return WebAssembly.compile(bytes).catch((cause) => {
    throw refused(cause);
  });
}

/** A module of Node, without an import that a bundler would try to follow; nothing elsewhere. */
function builtin(name) {
  return globalThis.process?.getBuiltinModule?.(name);
}

function refused(cause) {
  const hint = "the engine is too old, the file damaged, or the page's Content-Security-Policy lacks 'wasm-unsafe-eval'";
  return failure("UNSUPPORTED", `the WebAssembly module was not compiled: ${hint}`, { cause });
}

function unreachable(where, what, cause) {
  const address = where.href ?? where.url;
  return failure("NETWORK_ERROR", `the WebAssembly module at ${address} ${what}`, { cause, retryable: true });
}

function failure(code, message, details = {}) {
  return new StorageError(code, message, { retryable: false, operation: "init", context: {}, ...details });
}
