/** Secrets, and the keys that seal. */

import type { Item, Metadata, WriteResult } from "./entries.js";

export interface EncryptionOptions {
  /** How the key-encryption key is had: derived from a passphrase. */
  key?: "passphrase";
  /** Asked when something sealed is wanted and the keys are locked. */
  passphrase?: () => Promise<Uint8Array | string> | Uint8Array | string;
}

/** Secrets, sealed with AES-256-GCM under a key that the passphrase unlocks. */
export interface Credentials {
  readonly locked: boolean;
  /**
   * Opens the keys; the first time, makes one under this passphrase. Rejects with `AUTHENTICATION_FAILED` for a wrong
   * one. Without a passphrase, asks for it as `encryption.passphrase` says.
   *
   * @example
   * await store.credentials.unlock({ passphrase: "correct horse battery staple" });
   * await store.credentials.set("openai", "sk-…");
   */
  unlock(options?: { passphrase?: Uint8Array | string }): Promise<void>;
  /** Forgets every key. */
  lock(): void;
  set(service: string, secret: string | Uint8Array | object, options?: { metadata?: Metadata; expiration?: Date }): Promise<WriteResult>;
  get<T = string>(service: string): Promise<T | undefined>;
  /** Names and times; decrypts nothing, and works while locked. */
  list(): Promise<Item[]>;
  has(service: string): Promise<boolean>;
  delete(service: string): Promise<boolean>;
}
