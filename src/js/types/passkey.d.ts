/** Passkeys. */

/** A passkey that unlocks a store: a secret that its authenticator derives (the PRF extension of WebAuthn). */
export interface PasskeyOptions {
  /** The domain that the passkey belongs to: the page's own, or one above it. Give the same at every call. */
  rpId?: string;
  /** The application's name, as browsers show it when a passkey is made. Default: the domain. */
  rpName?: string;
  /** Whose passkey it is, as browsers show it where one is chosen. Default: the domain. */
  user?: string;
  /** How long the request may stand, in milliseconds. Default: five minutes. */
  timeout?: number;
}
