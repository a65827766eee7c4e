import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { layers } from "./unpack.js";

/** Bytes of a text that are looked for together: short enough that a text cut by a block's end is still found. */
const PIECE = 12;

/**
 * Every form in which a text may lie in a file: its bytes, UTF-16 of both orders, hexadecimal, base64 of each
 * alignment, and as a key of Firefox. The text is looked for by its pieces, so that a part of it is found too.
 *
 * @param {string} text Letters and digits of ASCII, which JSON and addresses leave as they are; at least one piece.
 * @returns {{ form: string, bytes: Buffer }[]}
 */
export function forms(text) {
  const found = [];
  const starts = Array.from({ length: Math.floor(text.length / PIECE) }, (_, index) => index * PIECE);
  for (const start of new Set([...starts, text.length - PIECE])) {
    const piece = text.slice(start, start + PIECE);
    const raw = Buffer.from(piece, "latin1");
    const little = Buffer.from(piece, "utf16le");
    const big = Buffer.from(little).swap16();
    // Firefox writes a text that is a key with each of its letters one higher.
    found.push({ form: "a key of Firefox", bytes: raw.map((byte) => byte + 1) });
    for (const [name, bytes] of [["raw", raw], ["UTF-16LE", little], ["UTF-16BE", big]]) {
      found.push({ form: name, bytes });
      const hex = bytes.toString("hex");
      found.push({ form: `hex of ${name}`, bytes: Buffer.from(hex) });
      found.push({ form: `HEX of ${name}`, bytes: Buffer.from(hex.toUpperCase()) });
      for (const [form, characters] of base64(bytes)) {
        found.push({ form: `${form} of ${name}`, bytes: Buffer.from(characters) });
      }
    }
  }
  return found;
}

/** What base64 of anything that holds the bytes must hold, for each place that they may begin at. */
function* base64(bytes) {
  for (const offset of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
    // Characters that also depend on what stands before and behind are left out.
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor((padded.length * 8) / 6);
    for (const alphabet of ["base64", "base64url"]) {
      yield [`${alphabet} at ${offset}`, padded.toString(alphabet).slice(first, last)];
    }
  }
}

/**
 * Looks for texts in all files below a folder, byte by byte, as the files lie there and in what is packed in them.
 *
 * @param {string} folder
 * @param {Record<string, string>} texts
 * @returns {Promise<{ hits: string[], files: number, bytes: number }>} What was found, in which form, where.
 */
export async function search(folder, texts) {
  const needles = needlesOf(texts);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const hits = new Set();
  let files = 0;
  let bytes = 0;
  for (const entry of entries.filter((entry) => entry.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const content = await readFile(path);
    files += 1;
    bytes += content.length;
    const short = path.slice(folder.length + 1);
    const log = await readFile(`${path}-wal`).catch(() => undefined);
    for (const hit of found(Buffer.concat(layers(short, content, log)), needles)) hits.add(`${hit} in ${short}`);
  }
  return { hits: [...hits], files, bytes };
}

/** Looks for texts in bytes. */
export function searchBytes(content, texts) {
  return found(content, needlesOf(texts));
}

const needlesOf = (texts) => Object.entries(texts).flatMap(([name, text]) => forms(text).map((form) => ({ name, ...form })));

const found = (content, needles) =>
  needles.filter(({ bytes }) => content.includes(bytes)).map(({ name, form }) => `${name} as ${form}`);
