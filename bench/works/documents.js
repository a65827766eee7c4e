/** The documents that every engine stores: the same ones in every run. */

import { random } from "../../tests/durability/page/random.js";

/** So many groups there are; a document's group is one of them. */
export const GROUPS = 50;

const WORDS = "harbour lantern meadow copper thistle marble willow ember cedar drift salt orchard pebble raven tide".split(" ");

/**
 * Documents of about so many bytes as JSON, in no order of their fields. `created` is a different whole number below
 * `count` for each, so that a range of 1 000 numbers is 1 000 documents.
 *
 * @returns {{ id: string, created: number, group: number, name: string, done: boolean, body: string }[]}
 */
export function documents(count, bytes) {
  const chance = random("documents", count, bytes);
  const created = shuffled(count, chance);
  const word = () => chance.pick(WORDS);
  return created.map((created, at) => {
    const id = keyOf(at);
    const document = { id, created, group: created % GROUPS, name: `${word()} ${word()} ${at}`, done: chance.chance(0.5), body: "" };
    while (document.body.length < bytes - 110) {
      document.body += `${word()} `;
    }
    return document;
  });
}

/** Blueprints: documents of about 20 KB, of many parts, with a title and a summary to be searched. */
export function blueprints(count) {
  const chance = random("blueprints", count);
  const word = () => chance.pick(WORDS);
  const words = (many) => Array.from({ length: many }, word).join(" ");
  return Array.from({ length: count }, (_, at) => ({
    id: keyOf(at),
    title: `${words(3)} ${at}`,
    summary: words(30),
    parts: Array.from({ length: 100 }, (_, part) => ({ part, kind: word(), at: [chance.next(), chance.next()], text: words(20) })),
  }));
}

/** The key of the document at a place. */
export const keyOf = (at) => `document-${String(at).padStart(7, "0")}`;

/** Keys in no order, of the first `count` documents. */
export function keys(count, howMany) {
  return shuffled(count, random("documents", count)).slice(0, howMany).map(keyOf);
}

function shuffled(count, { below }) {
  const numbers = Array.from({ length: count }, (_, at) => at);
  for (let at = count - 1; at > 0; at -= 1) {
    const other = below(at + 1);
    [numbers[at], numbers[other]] = [numbers[other], numbers[at]];
  }
  return numbers;
}
