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

/** The data key inside a wrapped key. */
export async function dataKeyOf(wrapped, passphrase) {
  const iterations = new DataView(wrapped.buffer, wrapped.byteOffset).getUint32(27, true);
  const secret = await subtle.importKey("raw", text.encode(passphrase.normalize("NFC")), "PBKDF2", false, ["deriveBits"]);
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt: wrapped.slice(31, 47), iterations };
  const derived = await subtle.deriveBits(derivation, secret, 256);
  const wrapping = await subtle.importKey("raw", await hmac(derived, text.encode("tidekeep/wrapping-key/1")), "AES-GCM", false, ["decrypt"]);
  const additionalData = joined(text.encode("tidekeep/wrapped-key/1"), wrapped.slice(0, 79));
  const bytes = await subtle.decrypt({ name: "AES-GCM", iv: wrapped.slice(79, 91), additionalData }, wrapping, wrapped.slice(91, 139));
  return subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function additional({ database, collection, key, field }) {
  return joined(...["tidekeep/sealed/1", database, collection, key, field].map((part) => {
    const bytes = text.encode(part);
    return joined(new Uint8Array(new Uint32Array([bytes.length]).buffer), bytes);
  }));
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
