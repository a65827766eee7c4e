/** The documents that every engine stores: the same ones in every run. */

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
  const random = generator(count + bytes);
  const created = shuffled(count, random);
  const word = () => WORDS[Math.floor(random() * WORDS.length)];
  return created.map((created, at) => {
    const id = keyOf(at);
    const document = { id, created, group: created % GROUPS, name: `${word()} ${word()} ${at}`, done: random() < 0.5, body: "" };
    while (document.body.length < bytes - 110) {
      document.body += `${word()} `;
    }
    return document;
  });
}

/** Blueprints: documents of about 20 KB, of many parts, with a title and a summary to be searched. */
export function blueprints(count) {
  const random = generator(count);
  const word = () => WORDS[Math.floor(random() * WORDS.length)];
  const words = (many) => Array.from({ length: many }, word).join(" ");
  return Array.from({ length: count }, (_, at) => ({
    id: keyOf(at),
    title: `${words(3)} ${at}`,
    summary: words(30),
    parts: Array.from({ length: 100 }, (_, part) => ({ part, kind: word(), at: [random(), random()], text: words(20) })),
  }));
}

/** The key of the document at a place. */
export const keyOf = (at) => `document-${String(at).padStart(7, "0")}`;

/** Keys in no order, of the first `count` documents. */
export function keys(count, howMany) {
  return shuffled(count, generator(count)).slice(0, howMany).map(keyOf);
}

function shuffled(count, random) {
  const numbers = Array.from({ length: count }, (_, at) => at);
  for (let at = count - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    [numbers[at], numbers[other]] = [numbers[other], numbers[at]];
  }
  return numbers;
}

/** mulberry32: numbers in 0..1, the same for the same seed. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
