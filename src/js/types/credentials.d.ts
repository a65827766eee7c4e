/** Secrets, and the keys that seal. */

import type { Item, Metadata, WriteResult } from "./entries.js";
import type { PasskeyOptions } from "./passkey.js";

export interface EncryptionOptions {
  /** How the key-encryption key is had: derived from a passphrase. */
  key?: "passphrase";
  /** Asked when something sealed is wanted and the keys are locked. */
  passphrase?: () => Promise<Uint8Array | string> | Uint8Array | string;
  /**
   * Has the keys of this tab or worker lock themselves: after so many milliseconds without a use, or as it says. Time
   * that the device slept through counts. Default: they stay open until `lock()`, or until the store is closed.
   *
   * @example
   * const vault = await createStorage({ name: "vault", encryption: { autoLock: { idle: 300_000, hidden: 60_000 } } });
   * vault.on("lock", ({ locked, reason }) => console.log(locked ? `locked: ${reason}` : "open"));
   */
  autoLock?: number | AutoLock;
}

/** What keys lock themselves after; milliseconds. */
export interface AutoLock {
  /**
   * So long without a use: a call that reads or writes secrets or sealed records, here or in another tab that has such a
   * limit too. A use elsewhere counts to within a twentieth of this time.
   */
  idle?: number;
  /** So long out of sight; 0 is as soon as the page is hidden. A worker is never out of sight, so nothing comes of it there. */
  hidden?: number;
}

/** What unlocks: one of them. */
export interface UnlockOptions {
  passphrase?: Uint8Array | string;
  passkey?: true | PasskeyOptions;
  /** Calls off the request for a passkey. */
  signal?: AbortSignal;
}

/** Secrets, sealed with AES-256-GCM under a key that the passphrase or a passkey unlocks. */
export interface Credentials {
  readonly locked: boolean;
  /**
   * Opens the keys; the first time, makes one under this passphrase, or under a passkey that is made for it. Rejects with
   * `AUTHENTICATION_FAILED` for a wrong passphrase. Without either, asks for a passphrase as `encryption.passphrase` says.
   *
   * `passkey: true`, or its options, asks the user for any one of the store's passkeys, in a page that is secure and has a
   * domain. Rejects with `ACCESS_DENIED` where it was not given, for whatever reason: browsers do not tell; `UNSUPPORTED`
   * where the browser, the authenticator or the place has none; `KEY_MISSING` where the store knows none; `TIMEOUT`, and
   * `ABORTED` with the signal.
   *
   * @example
   * await store.credentials.unlock({ passphrase: "correct horse battery staple" });
   * await store.credentials.set("openai", "sk-…");
   */
  unlock(options?: UnlockOptions): Promise<void>;
  /**
   * Forgets every key: here, and in every other tab, frame and worker that has the database open. What is being opened or
   * sealed rejects with `LOCKED`, an unlocking under way with `ABORTED`; nothing can be opened afterwards, before the next
   * `unlock`. A platform without `BroadcastChannel` locks this tab alone (`getCapabilities().crossTab` is false). A page
   * that the browser may put into its back/forward cache, where it hears of nothing, locks itself.
   */
  lock(): void;
  set(service: string, secret: string | Uint8Array | object, options?: { metadata?: Metadata; expiration?: Date }): Promise<WriteResult>;
  get<T = string>(service: string): Promise<T | undefined>;
  /** Names and times; decrypts nothing, and works while locked. */
  list(): Promise<Item[]>;
  has(service: string): Promise<boolean>;
  delete(service: string): Promise<boolean>;
}
