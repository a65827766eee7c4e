// docs/formats.md read by another program: Web Crypto alone, and none of tidekeep's code.

const text = new TextEncoder();
const { subtle } = globalThis.crypto;

async function hmac(key, message) {
  const imported = await subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await subtle.sign("HMAC", imported, message));
}

function joined(...parts) {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

function lengthed(...parts) {
  return joined(...parts.map((part) => {
    const bytes = typeof part === "string" ? text.encode(part) : part;
    return joined(new Uint8Array(new Uint32Array([bytes.length]).buffer), bytes);
  }));
}

/** The key inside a wrapped key whose head is so long, by the key that wraps it. */
async function unwrap(record, head, secret, [wrappingLabel, domain], database) {
  const [commitment, iv, ciphertext] = [[0, 32], [32, 44], [44, 92]].map(([from, to]) => record.slice(head + from, head + to));
  const wrapping = await subtle.importKey("raw", await hmac(secret, text.encode(wrappingLabel)), "AES-GCM", false, ["decrypt"]);
  const additionalData = lengthed(domain, database, record.slice(0, head), commitment);
  return new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv, additionalData }, wrapping, ciphertext));
}

/** The tag of a value in a blind index; the value is the text of a key. */
export async function tagBare(storeKey, { database, collection, path }, value) {
  const key = await hmac(storeKey, lengthed("tidekeep/blind-index/1", database, collection, path));
  return btoa(String.fromCharCode(...(await hmac(key, text.encode(value))).slice(0, 16)));
}

/** The data key that seals, by the rows of `tidekeep:keys`: from the passphrase to the store key, and from there to it. */
export async function dataKeyOf(rows, passphrase, database) {
  const records = rows.map(({ row }) => new Uint8Array(row.value));
  const named = (magic) => records.filter((record) => new TextDecoder().decode(record.slice(0, 4)) === magic);
  const [wrapped] = named("TKWK").filter((record) => record[38] === 1);
  const [data] = named("TKDK");
  const iterations = new DataView(wrapped.buffer, wrapped.byteOffset).getUint32(40, true);
  const secret = await subtle.importKey("raw", text.encode(passphrase.normalize("NFC")), "PBKDF2", false, ["deriveBits"]);
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt: wrapped.slice(44, 60), iterations };
  const derived = await subtle.deriveBits(derivation, secret, 256);
  // Behind the head come commitment, nonce, ciphertext with tag, and checksum: 100 bytes.
  const storeKey = await unwrap(wrapped, wrapped.length - 100, derived, ["tidekeep/wrapping-key/1", "tidekeep/wrapped-key/1"], database);
  const bytes = await unwrap(data, data.length - 100, storeKey, ["tidekeep/store-wrapping-key/1", "tidekeep/wrapped-data-key/1"], database);
  const dataKey = await subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  return { dataKey, keyId: data.slice(6, 22), storeKey };
}

function additional({ database, collection, key, field }) {
  return lengthed("tidekeep/sealed/1", database, collection, key, field);
}

/** Opens a sealed value. */
export async function openBare(dataKey, sealed, place) {
  const parameters = { name: "AES-GCM", iv: sealed.slice(22, 34), additionalData: additional(place) };
  return new TextDecoder().decode(await subtle.decrypt(parameters, dataKey, sealed.slice(34)));
}

/** Seals a value. */
export async function sealBare(dataKey, keyId, plaintext, place) {
  const iv = globalThis.crypto.getRandomValues(new Uint8Array(12));
  const parameters = { name: "AES-GCM", iv, additionalData: additional(place) };
  const ciphertext = new Uint8Array(await subtle.encrypt(parameters, dataKey, text.encode(plaintext)));
  return joined(text.encode("TKSE"), [1, 1], keyId, iv, ciphertext);
}

/** The record of a key, its checksum made to fit what it became. */
export async function mended(record) {
  const content = record.slice(0, -8);
  return joined(content, new Uint8Array(await subtle.digest("SHA-256", content)).slice(0, 8));
}
