/** Secrets, and the keys that seal. */

import type { Item, Metadata, WriteResult } from "./entries.js";
import type { PasskeyOptions } from "./passkey.js";

export interface EncryptionOptions {
  /**
   * What unlocks the store. `"passphrase"`, the default: what `passphrase` answers, or a call of `unlock`. `"device"`: a
   * key that the browser makes, keeps beside the data and lets no script read. A `CryptoKey` or a {@link KeyProvider}:
   * the application's. All but the passphrase unlock by themselves at the first use; once the keys were locked, they wait
   * for `credentials.unlock()`.
   *
   * A device key protects from script that would carry the key away, and not from whoever copies the whole profile: the
   * browser keeps the key in it. It is lost with the browser's data, so give a store that matters a passphrase as well.
   *
   * @example
   * const drafts = await createStorage({ name: "drafts", encryption: { key: "device" } });
   * await drafts.credentials.set("openai", "sk-…");
   */
  key?: "passphrase" | "device" | CryptoKey | KeyProvider;
  /**
   * Asked when something sealed is wanted and the keys are locked. Beside another `key`, asked where that one does not
   * unlock the store; that one is then added.
   */
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
  /**
   * Keys whose entries are sealed by themselves, in whatever collection or namespace, as with `encrypt: true`: a key, the
   * beginning of one before `*`, or the end of one after it. Writing one needs open keys: `LOCKED`, and nothing is ever
   * written in the clear instead. A write that says `encrypt` has its way. An entry that lay in the clear under such a key
   * before is sealed by its next write. What another device sends is taken as it comes. `INVALID_CONFIG` for what is no
   * pattern, or fits every key. Secrets in `credentials`, and encrypted collections, are sealed in any case.
   *
   * @example
   * const settings = await createStorage({ type: "memory", encryption: { sensitive: ["api_keys", "private_*", "*_token"] } });
   * await settings.credentials.unlock({ passphrase: "correct horse battery staple" });
   * await settings.set("map_token", "pk.38");
   * const [{ encrypted }] = await settings.list();
   */
  sensitive?: string[];
}

/** What is to be sealed of what need not be: {@link Credentials.setPreferences}. */
export interface SealingPreferences {
  /** Whether every entry is sealed. Default false. */
  default?: boolean;
  /** Collections and namespaces, by name: `true` seals their entries, `false` does not, whatever their keys. */
  stores?: Record<string, boolean>;
  /** Patterns of keys whose entries are sealed, in the place of those that `createStorage` was given. */
  sensitive?: string[] | undefined;
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

/**
 * Wraps a secret of 32 bytes outside the browser's storage: in the keychain of an Electron or Tauri application, or by a
 * key management service. What `wrap` gives is stored, and `unwrap` gives the secret for it again. The bytes that `wrap`
 * was given are overwritten once it has answered.
 *
 * @example
 * const keychain = (bytes: Uint8Array) => bytes.map((byte) => byte ^ 85); // where the platform's own would be called
 * await store.credentials.unlock({ provider: { wrap: keychain, unwrap: keychain } });
 */
export interface KeyProvider {
  wrap(key: Uint8Array): Promise<Uint8Array> | Uint8Array;
  unwrap(wrapped: Uint8Array): Promise<Uint8Array> | Uint8Array;
  /** How long either may take before the call rejects with `TIMEOUT`. Milliseconds; default 60 000. */
  timeout?: number;
}

/** What unlocks a store. One of these at a time. */
export interface Means {
  passphrase?: Uint8Array | string;
  /** The key that this device keeps, or is to keep. */
  device?: boolean;
  /**
   * A key of the application: HMAC with SHA-256 for `sign`, AES-GCM for `encrypt` and `decrypt`, or AES-KW for `wrapKey`
   * and `unwrapKey`. It need not be extractable.
   */
  key?: CryptoKey;
  provider?: KeyProvider;
  /** A passkey, for which the user is asked; with addUnlocker, and with the first unlock, one is made. */
  passkey?: true | PasskeyOptions;
  /** Calls off the request for a passkey. */
  signal?: AbortSignal;
}

/** Something that unlocks the store, as it is listed. */
export interface Unlocker {
  id: string;
  /** `"unknown"` where the record is damaged, or of a newer version. */
  kind: "passphrase" | "device" | "key" | "provider" | "passkey" | "unknown";
  label?: string;
  created: Date;
  /** Whether it can be used here: false for the key of another device. */
  here: boolean;
}

/** How everything is sealed anew. An unlocker goes with `storeKey` only. */
export interface RotateOptions extends Means {
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
  /** Makes a new store key, and removes the unlockers that are not at hand. */
  storeKey?: boolean;
}

/** Secrets, sealed with AES-256-GCM under keys that a passphrase unlocks, or another unlocker. */
export interface Credentials {
  readonly locked: boolean;
  /**
   * Opens the keys; the first time, makes them. Rejects with `AUTHENTICATION_FAILED` for a wrong passphrase, key or
   * provider; with `KEY_MISSING` where nothing of this kind unlocks the store, or where sealed records are here and their
   * keys are not. `anew` makes new keys all the same: what is sealed under others stays unreadable until they come back.
   * Without an unlocker, unlocks as `encryption` says.
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
  unlock(options?: Means & { anew?: boolean }): Promise<void>;
  /**
   * What unlocks the store. Opens nothing, and works while locked.
   *
   * @example
   * for (const { kind, label, here } of await store.credentials.unlockers()) console.log(kind, label, here);
   */
  unlockers(): Promise<Unlocker[]>;
  /**
   * Lets something more unlock the store, and resolves with its id. The keys must be open; nothing is sealed again. The
   * label, of 256 bytes at the most, is stored in clear.
   *
   * @example
   * await store.credentials.unlock({ passphrase: "correct horse battery staple" });
   * await store.credentials.addUnlocker({ device: true, label: "this laptop" });
   */
  addUnlocker(options: Means & { label?: string }): Promise<string>;
  /**
   * Has something unlock the store no longer. Rejects with `ACCESS_DENIED` where nothing would be left that opens what is
   * sealed. Keys that are open stay open until they are locked; and whoever kept a copy of the database can still open
   * that copy.
   */
  removeUnlocker(id: string): Promise<void>;
  /** What is to be sealed, as it was said last. */
  preferences(): Promise<SealingPreferences>;
  /**
   * Says what is to be sealed from now on, of what need not be: for a user who wants more or less of it than the
   * application asked for. It is remembered on this device, in the place of what was said before, and every tab follows.
   * What a write says with `encrypt` comes first; then `stores`, then `sensitive`, then `default`. What is sealed stays so
   * until it is written with `encrypt: false`, and what lies in the clear is sealed by its next write.
   *
   * Secrets in `credentials`, and encrypted collections, are sealed in any case: to say otherwise is `INVALID_CONFIG`, as
   * is a pattern that is none.
   *
   * @example
   * await store.credentials.unlock({ passphrase: "correct horse battery staple" });
   * await store.credentials.setPreferences({ stores: { drafts: true }, sensitive: ["*_token"] });
   * await store.set("1", "to be continued", { namespace: "drafts" });
   */
  setPreferences(preferences: SealingPreferences): Promise<void>;
  /**
   * Puts another passphrase in the place of the one that opened the store; where something else did, of the only one.
   * Wraps one key anew: nothing is sealed again.
   *
   * @example
   * await store.credentials.unlock({ passphrase: "correct horse battery staple" });
   * await store.credentials.changePassphrase("a longer one, of more words than before");
   */
  changePassphrase(next: Uint8Array | string): Promise<void>;
  /**
   * Forgets every key: here, and in every other tab, frame and worker that has the database open. What is being opened or
   * sealed rejects with `LOCKED`, an unlocking under way with `ABORTED`; nothing can be opened afterwards, before the next
   * `unlock`. A platform without `BroadcastChannel` locks this tab alone (`getCapabilities().crossTab` is false). A page
   * that the browser may put into its back/forward cache, where it hears of nothing, locks itself.
   */
  lock(): void;
  /**
   * Makes a new data key, and seals every secret and sealed record again under it, while reads and writes go on here and
   * in other tabs. No secret is asked for. What was begun and not ended, because the tab was closed, the keys were locked
   * or `signal` called it off, goes on with the next `rotate`, and by itself once keys are open. One tab rotates at a time.
   *
   * To the application no record was written: versions and times stay, and no `change` is told. What replicates is sent
   * again, and loses to newer changes of other devices. Former data keys stay, for reading.
   *
   * `onProgress` is told at the beginning, after each slice and at the end: of `total` records that were sealed under
   * another key, how many are `done`. It never falls, and at the end both are equal. Rejects with `LOCKED`, `ABORTED`; and
   * where a record does not open, once everything else is done, with that record's error.
   *
   * `storeKey: true` makes a new store key too, for when a copy of the database and a secret that opened it may be in
   * somebody's hands: what is sealed from then on is not opened by them. It keeps the unlockers that are at hand, under new
   * ids: the key of this device, what `encryption.key` gives, and the one that is given, a passphrase mostly. All others
   * are removed, and `rotate` resolves with them: add them again. Change a passphrase that may be known before. Tabs and
   * devices where none of the kept ones opens by itself are locked as soon as they hear of it. Rejects with
   * `AUTHENTICATION_FAILED` where what is given opens nothing, and with `ACCESS_DENIED` where nothing is at hand; nothing
   * has changed then.
   *
   * @example
   * await store.credentials.unlock({ passphrase: "correct horse battery staple" });
   * await store.credentials.rotate({ onProgress: (done, total) => console.log(`${done} of ${total}`) });
   *
   * @example
   * await store.credentials.unlock({ passphrase: "correct horse battery staple" });
   * await store.credentials.addUnlocker({ passphrase: "a recovery code", label: "recovery code" });
   * const removed = await store.credentials.rotate({ storeKey: true, passphrase: "correct horse battery staple" });
   * console.log(removed.map(({ label }) => label)); // ["recovery code"]
   */
  rotate(options?: RotateOptions): Promise<Unlocker[]>;
  set(service: string, secret: string | Uint8Array | object, options?: { metadata?: Metadata; expiration?: Date }): Promise<WriteResult>;
  get<T = string>(service: string): Promise<T | undefined>;
  /** Names and times; decrypts nothing, and works while locked. */
  list(): Promise<Item[]>;
  has(service: string): Promise<boolean>;
  delete(service: string): Promise<boolean>;
}
