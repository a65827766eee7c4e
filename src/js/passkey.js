/**
 * Passkeys as unlockers: a secret of 32 bytes that an authenticator computes of a salt, once it has verified its user.
 *
 * Sources: Web Authentication Level 3, section 10.1.4, “Pseudo-random function extension (prf)”. Nobody checks what the
 * authenticator signs: only the right passkey gives the secret, and only the secret opens the key.
 */

import { StorageError } from "./errors.js";
import { refusal } from "./signal.js";

const KNOWN = ["rpId", "rpName", "user", "timeout"];
/** How long a request may stand, in milliseconds: what the specification recommends where the user is verified. */
const PATIENCE = 300_000;
const SECRET_LENGTH = 32;
/** ES256, Ed25519, RS256. */
const ALGORITHMS = [-7, -8, -257];

const failure = (code, message, details) => new StorageError(code, message, details);
const random = () => crypto.getRandomValues(new Uint8Array(32));
const describe = (id) => ({ type: "public-key", id });
const named = (id) =>
  btoa(String.fromCharCode(...id)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/**
 * Makes a passkey; where one of `known` is on the authenticator already, it is refused.
 *
 * @param {true | object} given The options of the passkey.
 * @param {Uint8Array} salt
 * @param {Uint8Array[]} known Ids of the passkeys there are.
 * @param {AbortSignal} [signal]
 * @returns {Promise<[id: Uint8Array, secret: Uint8Array]>}
 */
export async function createPasskey(given, salt, known, signal) {
  const options = read(given);
  const { rpId, timeout } = options;
  const domain = rpId ?? globalThis.location?.hostname;
  const { rpName = domain, user = domain } = options;
  const publicKey = {
    challenge: random(),
    rp: { name: rpName, ...(rpId !== undefined && { id: rpId }) },
    // An id of its own for each, since a passkey of the same user would take the place of the one before.
    user: { id: random(), name: user, displayName: user },
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
    authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
    excludeCredentials: known.map(describe),
    timeout,
    extensions: { prf: { eval: { first: salt } } },
  };
  const made = await request("create", publicKey, options, signal);
  const id = new Uint8Array(made.rawId);
  const { prf } = made.getClientExtensionResults();
  if (prf?.enabled !== true) {
    forget(id, domain);
    throw failure("UNSUPPORTED", "the passkey was made where no secret can be derived (no PRF); choose another place for it, or another unlocker");
  }
  // Not every authenticator computes it when the passkey is made.
  return prf.results?.first ? [id, secretOf(prf.results.first)] : askPasskey(options, [[id, salt]], signal);
}

/**
 * Asks for any one of some passkeys.
 *
 * @param {true | object} given The options of the passkey.
 * @param {[id: Uint8Array, salt: Uint8Array][]} passkeys
 * @param {AbortSignal} [signal]
 * @returns {Promise<[id: Uint8Array, secret: Uint8Array]>}
 */
export async function askPasskey(given, passkeys, signal) {
  const options = read(given);
  const { rpId, timeout } = options;
  const publicKey = {
    challenge: random(),
    ...(rpId !== undefined && { rpId }),
    allowCredentials: passkeys.map(([id]) => describe(id)),
    userVerification: "required",
    timeout,
    extensions: { prf: { evalByCredential: Object.fromEntries(passkeys.map(([id, salt]) => [named(id), { first: salt }])) } },
  };
  const shown = await request("get", publicKey, options, signal);
  return [new Uint8Array(shown.rawId), secretOf(shown.getClientExtensionResults().prf?.results?.first)];
}

/**
 * Whether the browser hands on what passkeys derive. Whether an authenticator does shows when a passkey is made.
 *
 * @returns {Promise<"yes" | "no" | "unknown">}
 */
export async function passkeySupport() {
  if (hindrance()) return "no";
  const known = await PublicKeyCredential.getClientCapabilities?.().catch(() => undefined);
  const prf = known?.["extension:prf"];
  return prf === undefined ? "unknown" : prf ? "yes" : "no";
}

/** Why no passkey can be asked for here, if so. */
function hindrance() {
  if (globalThis.isSecureContext === false) {
    return failure("INSECURE_CONTEXT", "passkeys are only for pages that are secure; open it by https: or on localhost");
  }
  if (typeof globalThis.PublicKeyCredential !== "function" || typeof navigator.credentials?.get !== "function") {
    return typeof globalThis.document === "object"
      ? failure("UNSUPPORTED", "this browser has no passkeys; use another unlocker")
      : failure("UNSUPPORTED", "passkeys can be asked for in pages only, not in workers or Node; unlock there");
  }
  if (/^\[|^\d+(\.\d+){3}$/.test(location.hostname)) {
    return failure("UNSUPPORTED", "a passkey belongs to a domain, and this page has an IP address; open it by a name, such as localhost");
  }
  return undefined;
}

/** One request of the user, which ends with the signal, in time, or with an answer, whatever the browser does. */
async function request(call, publicKey, { rpId, timeout }, signal) {
  const refused = refusal(signal) ?? hindrance();
  if (refused) throw refused;
  const ending = new AbortController();
  const end = () => ending.abort();
  const late = setTimeout(end, timeout);
  signal?.addEventListener("abort", end, { once: true });
  const ended = new Promise((_, reject) => ending.signal.addEventListener("abort", () => reject(ending.signal.reason)));
  try {
    return await Promise.race([navigator.credentials[call]({ publicKey, signal: ending.signal }), ended]);
  } catch (cause) {
    if (!ending.signal.aborted) throw explained(cause, call, rpId);
    throw refusal(signal) ?? failure("TIMEOUT", "nobody answered the request for a passkey in time", { retryable: true, cause });
  } finally {
    clearTimeout(late);
    signal?.removeEventListener("abort", end);
  }
}

/** What an exception of the browser means. */
function explained(cause, call, rpId) {
  switch (cause?.name) {
    case "NotAllowedError": {
      // Which of them it is, browsers do not tell: it would tell which passkeys somebody has.
      const reasons = "it was called off, it is not on this device, its user was not verified, or the page was not in front";
      return failure("ACCESS_DENIED", `the passkey was not given: ${reasons}`, { cause });
    }
    case "InvalidStateError":
      return failure("ALREADY_EXISTS", "a passkey of this store is in that place already; choose another place", { cause });
    case "SecurityError":
      return rpId === undefined
        ? failure("UNSUPPORTED", "this page may not have passkeys", { cause })
        : failure("INVALID_CONFIG", "the page may not have passkeys of that domain (option: passkey.rpId)", { cause, context: { option: "passkey.rpId" } });
    case "NotSupportedError":
    case "ConstraintError":
      return failure("UNSUPPORTED", "there is no place for such a passkey here; use another unlocker", { cause });
    default:
      return failure("ABORTED", `the browser gave up to ${call} the passkey; try again`, { retryable: true, cause });
  }
}

function secretOf(first) {
  if (first?.byteLength === SECRET_LENGTH) return new Uint8Array(first);
  throw failure("UNSUPPORTED", "the passkey gave no secret: where it is kept has no PRF; unlock in another way, and add a passkey elsewhere");
}

/** Tells whoever keeps passkeys that this one is of no use, where it can be told. */
function forget(id, rpId) {
  PublicKeyCredential.signalUnknownCredential?.({ rpId, credentialId: named(id) }).catch(() => undefined);
}

/** The options of a passkey, checked. */
function read(given) {
  const options = given === true ? {} : given;
  const wrong = (option, what) =>
    failure("INVALID_CONFIG", `the option ${what} (option: passkey.${option})`, { context: { option: `passkey.${option}` } });
  if (typeof options !== "object" || options === null) {
    throw failure("INVALID_CONFIG", "the option is true or an object (option: passkey)", { context: { option: "passkey" } });
  }
  for (const name of Object.keys(options)) {
    if (!KNOWN.includes(name)) throw wrong(name, "is not known");
  }
  for (const name of ["rpId", "rpName", "user"]) {
    const text = options[name];
    if (text !== undefined && (typeof text !== "string" || text === "")) throw wrong(name, "must be a text");
  }
  const { timeout = PATIENCE } = options;
  if (typeof timeout !== "number" || !(timeout > 0 && timeout <= 0x7fffffff)) throw wrong("timeout", "must be a number of milliseconds");
  return { ...options, timeout };
}
