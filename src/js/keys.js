// What the module asks of Web Crypto, and of the application, for keys that it does not hold itself.

const AUTHENTICATES = { name: "HMAC", hash: "SHA-256", length: 256 };

/** A key of this device, which no script can read. */
export const deviceKey = () => crypto.subtle.generateKey(AUTHENTICATES, false, ["sign"]);

/**
 * What a key can do for us: `h` to authenticate (HMAC with SHA-256), `g` to encrypt (AES-GCM), `k` to wrap (AES-KW); empty
 * for any other key, and for what is no key. Told by tag, since a key of another frame is no instance of this one's class.
 */
export function keyKind(value) {
  if (Object.prototype.toString.call(value) !== "[object CryptoKey]") return "";
  const { name, hash } = value.algorithm;
  const may = (...usages) => usages.every((usage) => value.usages.includes(usage));
  if (name === "HMAC" && hash.name === "SHA-256" && may("sign")) return "h";
  if (name === "AES-GCM" && may("encrypt", "decrypt")) return "g";
  return name === "AES-KW" && may("wrapKey", "unwrapKey") ? "k" : "";
}

/** The HMAC of a salt. */
export const mac = async (key, salt) => new Uint8Array(await crypto.subtle.sign("HMAC", key, salt));

/** 32 bytes, wrapped by a key of the application. */
export async function wrap(key, secret) {
  if (keyKind(key) === "g") {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const wrapped = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, secret));
    const joined = new Uint8Array(12 + wrapped.length);
    joined.set(iv);
    joined.set(wrapped, 12);
    return joined;
  }
  // AES-KW wraps keys alone, so the bytes go as one.
  const carried = await crypto.subtle.importKey("raw", secret, "AES-GCM", true, ["encrypt"]);
  return new Uint8Array(await crypto.subtle.wrapKey("raw", carried, key, "AES-KW"));
}

/** What `wrap` was given. */
export async function unwrap(key, wrapped) {
  if (keyKind(key) === "g") {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: wrapped.slice(0, 12) }, key, wrapped.slice(12)));
  }
  const carried = await crypto.subtle.unwrapKey("raw", wrapped, key, "AES-KW", "AES-GCM", true, ["encrypt"]);
  return new Uint8Array(await crypto.subtle.exportKey("raw", carried));
}

/** What a provider of the application gives for these bytes, as a copy; undefined where that is no bytes. */
export async function provided(provider, method, bytes) {
  const given = await provider[method](bytes);
  if (given instanceof ArrayBuffer) return new Uint8Array(given.slice(0));
  return ArrayBuffer.isView(given) ? new Uint8Array(given.buffer, given.byteOffset, given.byteLength).slice() : undefined;
}
