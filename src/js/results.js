// The answers of calls that write many, made here in one call: one for each property of each would cost more than the
// writing of it.

/**
 * What writes of many came to, all of which happened, as a `Map` under the caller's own keys.
 *
 * @param {unknown[]} given The keys as the caller gave them.
 * @param {unknown[]} keys The keys of the records.
 * @param {Float64Array} versions
 * @param {Float64Array} modified
 * @param {string} durability
 */
export function written(given, keys, versions, modified, durability) {
  const answer = (key, at) => ({ key, version: versions[at], modified: new Date(modified[at]), durability, success: true });
  return new Map(given.map((own, at) => [own, answer(keys[at], at)]));
}
