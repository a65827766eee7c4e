// A store as a plain model: what the types promise, and nothing of how it is done. Calls answer at once; what is refused
// throws `{ code }`.

import { matches, sorted } from "./filters.js";
import { compareKeys, isKey } from "./keys.js";
import { shape } from "./engine.js";

/** The declared collections; `unique` names the field of a unique index. */
export const DECLARED = {
  notes: { keyPath: "id", indexes: ["place", "*tags", "&slug", "[place+rank]"] },
  pairs: { keyPath: ["a", "b"], indexes: ["rank"] },
  things: { ttl: 400, indexes: ["place"] },
};
const UNIQUE = { notes: "slug" };
const ALWAYS = [...Object.keys(DECLARED), "default"];

const refuse = (code) => {
  throw { code };
};
const copy = (value) => structuredClone(value);
const keyOf = (key) => (isKey(key) ? shape(key instanceof ArrayBuffer ? new Uint8Array(key) : key) : refuse("INVALID_KEY"));

export class Model {
  #now;
  /** Entries by namespace, then by key. */
  #spaces = new Map();
  /** Namespaces that were made by name, with their metadata. */
  #created = new Map();

  /** @param {() => number} now */
  constructor(now) {
    this.#now = now;
  }

  // ── Reading ──

  #space(name) {
    if (name.trim() === "" || /[/:*]/.test(name) || name === "credentials") refuse("INVALID_NAMESPACE");
    if (!this.#spaces.has(name)) this.#spaces.set(name, new Map());
    return this.#spaces.get(name);
  }
  #alive(entry) {
    return entry !== undefined && !(entry.expires !== undefined && entry.expires <= this.#now());
  }
  #find(namespace, key) {
    const entry = this.#space(namespace).get(keyOf(key));
    return this.#alive(entry) ? entry : undefined;
  }
  #rows(namespace) {
    return [...this.#space(namespace).values()].filter((entry) => this.#alive(entry)).sort((a, b) => compareKeys(a.key, b.key));
  }
  #listed(namespace, { prefix, pattern, limit = Infinity, offset = 0 } = {}) {
    const text = pattern?.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
    const begins = (key) => prefix === undefined || (typeof key === "string" && key.startsWith(prefix));
    const looks = (key) => pattern === undefined || (typeof key === "string" && new RegExp(`^${text}$`, "su").test(key));
    const found = this.#rows(namespace).filter(({ key }) => begins(key) && looks(key));
    return found.slice(offset, offset + limit);
  }

  get(key, { namespace = "default", includeMetadata = false, required = false } = {}) {
    const entry = this.#find(namespace, key);
    if (!entry) return required ? refuse("NOT_FOUND") : undefined;
    return includeMetadata ? this.#entry(entry) : copy(entry.value);
  }
  #entry({ value, version, created, modified, tags, metadata, expires }) {
    return copy({ value, version, tags, metadata, ...this.#times({ created, modified, expires }) });
  }
  #times({ created, modified, expires }) {
    return { created: new Date(created), modified: new Date(modified), expires: expires === undefined ? undefined : new Date(expires) };
  }
  has(key, { namespace = "default" } = {}) {
    return this.#find(namespace, key) !== undefined;
  }
  getMany(keys, { namespace = "default", includeMetadata = false } = {}) {
    const found = [...keys].map((key) => [key, this.#find(namespace, key)]).filter(([, entry]) => entry);
    return new Map(found.map(([key, entry]) => [key, includeMetadata ? this.#entry(entry) : copy(entry.value)]));
  }
  keys({ namespace = "default", ...options } = {}) {
    return this.#listed(namespace, options).map(({ key }) => key);
  }
  list({ namespace = "default", ...options } = {}) {
    return this.#listed(namespace, options).map((entry) =>
      copy({ key: entry.key, version: entry.version, tags: entry.tags, metadata: entry.metadata, encrypted: false, ...this.#times(entry) }),
    );
  }
  query(filter, { namespace = "default", sort, limit = Infinity, offset = 0 } = {}) {
    const hits = sorted(this.#rows(namespace).filter((row) => matches(row, filter)), sort);
    return hits.slice(offset, offset + limit).map(({ key, value, metadata }) => copy({ key, value, metadata }));
  }
  count({ namespace = "default", filter } = {}) {
    return this.#rows(namespace).filter((row) => matches(row, filter)).length;
  }
  getMetadata(key, { namespace = "default" } = {}) {
    return copy(this.#find(namespace, key)?.metadata);
  }

  // ── Writing ──

  /** Refuses what makes no sense, whatever is there. */
  #validate(namespace, key, value, { expiration, ttl, overwrite = true, ifVersion } = {}) {
    const { keyPath } = DECLARED[namespace] ?? {};
    keyOf(key);
    if (keyPath && shape(carriedKey(keyPath, value)) !== shape(key)) refuse("INVALID_KEY");
    if (expiration !== undefined && ttl !== undefined) refuse("INVALID_CONFIG");
    if (ttl !== undefined && !(ttl > 0 && ttl < Infinity)) refuse("INVALID_CONFIG");
    if (!overwrite && ifVersion !== undefined) refuse("INVALID_CONFIG");
  }
  /** Writes one entry into a space; refuses before anything has changed. */
  #write(namespace, space, key, value, options = {}) {
    this.#validate(namespace, key, value, options);
    const { metadata, tags, expiration, ttl, overwrite = true, ifVersion } = options;
    const name = keyOf(key);
    const before = space.get(name);
    const old = this.#alive(before) ? before : undefined;
    if (!overwrite && old) refuse("ALREADY_EXISTS");
    if (ifVersion !== undefined && old?.version !== ifVersion) refuse("CONFLICT");
    const unique = UNIQUE[namespace];
    if (unique && value[unique] !== undefined) {
      for (const [other, entry] of space) if (other !== name && entry.value[unique] === value[unique]) refuse("ALREADY_EXISTS");
    }
    const now = this.#now();
    const life = ttl ?? (expiration === undefined ? DECLARED[namespace]?.ttl : undefined);
    const entry = {
      key: copy(key),
      value: copy(value),
      // An entry whose time is over is not there, but no version names two states of one key.
      version: (before?.version ?? 0) + 1,
      created: old?.created ?? now,
      modified: now,
      tags: tags ?? old?.tags ?? [],
      metadata: copy(metadata ?? old?.metadata),
      expires: life === undefined ? expiration?.getTime() : now + life,
    };
    space.set(name, entry);
    return { key: entry.key, version: entry.version, modified: new Date(now) };
  }
  /** Does something with a copy of a space, and keeps it if nothing was refused. */
  #commit(namespace, task) {
    const space = new Map(this.#space(namespace));
    const answer = task(space);
    this.#spaces.set(namespace, space);
    return answer;
  }

  set(key, value, { namespace = "default", durability, ...options } = {}) {
    return this.#commit(namespace, (space) => this.#write(namespace, space, key, value, options));
  }
  setMany(entries, { namespace = "default", atomic = true, ...common } = {}) {
    const one = (space, { key, value, ...own }) => ({ success: true, ...this.#write(namespace, space, key, value, { ...common, ...own }) });
    const list = [...entries];
    if (atomic) list.forEach(({ key, value, ...own }) => this.#validate(namespace, key, value, { ...common, ...own }));
    if (atomic) return this.#commit(namespace, (space) => new Map(list.map((entry) => [entry.key, one(space, entry)])));
    return new Map(
      list.map((entry) => {
        try {
          return [entry.key, this.#commit(namespace, (space) => one(space, entry))];
        } catch ({ code }) {
          return [entry.key, { success: false, error: code }];
        }
      }),
    );
  }
  delete(key, { namespace = "default" } = {}) {
    const there = this.has(key, { namespace });
    this.#space(namespace).delete(keyOf(key));
    return there;
  }
  deleteMany(keys, { namespace = "default" } = {}) {
    const list = [...keys];
    list.forEach(keyOf);
    return new Map(list.map((key) => [key, this.delete(key, { namespace })]));
  }
  setMetadata(key, metadata, { namespace = "default", merge = true } = {}) {
    const entry = this.#find(namespace, key) ?? refuse("NOT_FOUND");
    entry.metadata = copy(merge ? { ...entry.metadata, ...metadata } : metadata);
    entry.version += 1;
    entry.modified = this.#now();
  }
  clear({ namespace } = {}) {
    if (namespace !== undefined) this.#space(namespace).clear();
    else this.#spaces.clear();
  }

  // ── Namespaces ──

  #exists(name) {
    return ALWAYS.includes(name) || this.#created.has(name) || this.#space(name).size > 0;
  }
  createNamespace(name, { metadata } = {}) {
    this.#space(name);
    if (this.#exists(name)) refuse("ALREADY_EXISTS");
    this.#created.set(name, copy(metadata));
  }
  deleteNamespace(name, { recursive = false } = {}) {
    this.#space(name);
    if (ALWAYS.includes(name)) refuse("INVALID_NAMESPACE");
    if (!this.#exists(name)) refuse("NOT_FOUND");
    if (!recursive && this.count({ namespace: name }) > 0) refuse("NOT_EMPTY");
    this.#created.delete(name);
    this.#space(name).clear();
  }
  listNamespaces({ includeMetadata = false } = {}) {
    const names = new Set([...ALWAYS, ...this.#created.keys(), ...this.#spaces.keys()].filter((name) => this.#exists(name)));
    const list = [...names].sort();
    return includeMetadata ? list.map((name) => ({ name, metadata: copy(this.#created.get(name)) })) : list;
  }

  // ── Collections ──

  collection(namespace) {
    const { keyPath } = DECLARED[namespace] ?? {};
    const carried = (record) => (keyPath ? carriedKey(keyPath, record) : refuse("INVALID_KEY"));
    const to = (options) => ({ ...options, namespace });
    return {
      put: (record, options) => this.set(carried(record), record, to(options)),
      putMany: (records, options) =>
        this.setMany([...records].map((value) => ({ key: carried(value), value })), to(options)),
      update: (key, change) => {
        const entry = this.#find(namespace, key) ?? refuse("NOT_FOUND");
        const value = typeof change === "function" ? change(copy(entry.value)) : { ...entry.value, ...change };
        const { expires } = entry;
        const answer = this.set(key, value, to());
        this.#find(namespace, key).expires = expires;
        return answer;
      },
      get: (key) => this.get(key, to()),
      getMany: (keys) => this.getMany(keys, to()),
      delete: (key) => this.delete(key, to()),
      deleteMany: (keys) => this.deleteMany(keys, to()),
      has: (key) => this.has(key, to()),
      keys: (options) => this.keys(to(options)),
      list: (options) => this.list(to(options)),
      all: ({ limit = Infinity } = {}) => this.#rows(namespace).slice(0, limit).map(({ value }) => copy(value)),
      query: (filter, options) => this.query(filter, to(options)),
      count: (filter) => this.count(to({ filter })),
      clear: () => this.clear(to()),
    };
  }
}

/** The key that a record carries. */
function carriedKey(keyPath, record) {
  const at = (path) => record?.[path];
  const key = Array.isArray(keyPath) ? keyPath.map(at) : at(keyPath);
  return isKey(key) ? key : refuse("INVALID_KEY");
}
