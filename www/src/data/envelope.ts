/** A part of a sealed value, as `docs/formats.md` of tidekeep lays it out. */
export interface Part {
  name: "magic" | "version" | "suite" | "key" | "nonce" | "ciphertext" | "tag";
  bytes: Uint8Array;
}

const head = { magic: 4, version: 1, suite: 1, key: 16, nonce: 12 } as const;
const tagLength = 16;

/** Takes a sealed value apart; nothing of what is no sealed value. */
export function partsOf(envelope: Uint8Array): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const [name, length] of Object.entries(head) as [keyof typeof head, number][]) {
    parts.push({ name, bytes: envelope.subarray(at, (at += length)) });
  }
  const end = envelope.length - tagLength;
  if (end < at || new TextDecoder().decode(parts[0]?.bytes) !== "TKSE") return [];
  parts.push({ name: "ciphertext", bytes: envelope.subarray(at, end) }, { name: "tag", bytes: envelope.subarray(end) });
  return parts;
}

/** Bytes as one reads them in a dump: pairs of digits. */
export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
