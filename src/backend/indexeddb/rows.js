// How a record lies in its object store: the application's own object, plus one property for what the system keeps.
// docs/formats.md has the table.

const SYSTEM = '_tidekeep';

/** What the system keeps of a record; what is not there takes no room. */
export function keep(version, created, modified, expires, tags, metadata, rev, hlc, dirty, checksum, blind, base) {
  const kept = { version, created, modified };
  if (expires !== undefined) kept.expires = expires;
  if (tags !== undefined) kept.tags = tags;
  if (metadata !== undefined) kept.metadata = metadata;
  if (hlc !== undefined) Object.assign(kept, { rev, hlc, dirty });
  if (checksum !== undefined) kept.checksum = checksum;
  if (blind !== undefined) kept.blind = blind;
  if (base !== undefined) kept.base = base;
  return kept;
}

/** What the endpoint has, as it is kept beside a row: its `value`, or its envelope, `sealed`. */
export function baseOf(kind, content) {
  return { [kind]: content };
}

/**
 * The row of a value. In a store of its own the value's properties are the row's; in the shared
 * store, of a `namespace`, the value is boxed.
 */
export function clearRow(value, namespace, kept) {
  if (namespace !== undefined && 'expires' in kept) kept.namespace = namespace; // for the index over [namespace, expires]
  const plain = namespace === undefined && value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype;
  // A copy of one level: whoever has the value yet, to write it again or to compare it, has it as it was.
  if (plain) return { ...value, [SYSTEM]: kept };
  kept.boxed = true;
  return { value, [SYSTEM]: kept };
}

/** The row of an envelope, with the key's own fields in the clear. */
export function sealedRow(envelope, paths, key, kept) {
  kept.sealed = envelope;
  const row = { [SYSTEM]: kept };
  paths.forEach((path, at) => {
    const names = path.split('.');
    const last = names.pop();
    const target = names.reduce((object, name) => (object[name] ??= {}), row);
    target[last] = paths.length > 1 ? key[at] : key;
  });
  return row;
}

/** A row without the tags of blind indexes; none where it has none. */
export function untagged(row) {
  if (row?.[SYSTEM]?.blind === undefined) return undefined;
  delete row[SYSTEM].blind;
  return row;
}

/** The tags of a row whose tags are still to be made. */
export const toBeTagged = () => ({ $state: 0 });

/** What the system keeps of a row; a row that others wrote has nothing. */
export function kept(row) {
  return (row !== null && typeof row === 'object' && row[SYSTEM]) || { version: 0, created: 0, modified: 0 };
}

/** The application's value, taken out of a row that is ours to change. */
export function value(row) {
  if (row === null || typeof row !== 'object' || !(SYSTEM in row)) return row;
  if (row[SYSTEM].boxed) return row.value;
  delete row[SYSTEM];
  return row;
}

/**
 * Opens those rows of a list, in it, of which the system keeps only what it keeps of every record, and tells that of each:
 * version, created, modified. The version of the others is -1.
 */
export function openPlain(rows) {
  const numbers = new Float64Array(3 * rows.length).fill(-1);
  rows.forEach((row, at) => {
    const kept = row !== null && typeof row === 'object' ? row[SYSTEM] : undefined;
    if (!kept || kept.expires !== undefined || kept.tags !== undefined || kept.metadata !== undefined) return;
    if (kept.hlc !== undefined || kept.checksum !== undefined || kept.sealed !== undefined) return;
    numbers[3 * at] = kept.version;
    numbers[3 * at + 1] = kept.created;
    numbers[3 * at + 2] = kept.modified;
    rows[at] = value(row);
  });
  return numbers;
}

/** The keys that rows carry under some paths. */
export function keysIn(rows, paths) {
  const [first, ...others] = paths.map((path) => path.split('.'));
  const at = (row, names) => names.reduce((part, name) => part[name], row);
  return rows.map((row) => (others.length > 0 ? [first, ...others].map((names) => at(row, names)) : at(row, first)));
}
