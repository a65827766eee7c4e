import { StorageError, type StorageErrorCode } from "tidekeep";

/** What someone who uses the app can do about each failure. */
const advice: Readonly<Record<StorageErrorCode, string>> = {
  NOT_FOUND: "It may have been deleted in another window. Reload to see what is there.",
  ALREADY_EXISTS: "There is one already. Change that one instead.",
  INVALID_KEY: "This is a fault of the app. Please report it.",
  INVALID_VALUE: "This is a fault of the app. Please report it.",
  INVALID_NAMESPACE: "This is a fault of the app. Please report it.",
  INVALID_QUERY: "This is a fault of the app. Please report it.",
  INVALID_CONFIG: "This is a fault of the app. Please report it.",
  INVALID_TRANSACTION: "This is a fault of the app. Please report it.",
  NOT_EMPTY: "Remove what is in it first.",
  CONFLICT: "It was changed elsewhere meanwhile. Look at the newer text, then try again.",
  VALIDATION_FAILED: "Shorten or correct the note, then save it again.",
  QUOTA_EXCEEDED: "The disk or this site's share of it is full. Free some space, then try again.",
  ACCESS_DENIED: "The browser or the server does not allow this here. Check the site's permissions.",
  AUTHENTICATION_FAILED: "Check the passphrase, and who you are signed in as under Sync.",
  LOCKED: "Unlock with your passphrase first.",
  KEY_MISSING: "The key that sealed this is not on this device yet. Sync, then try again.",
  DECRYPTION_FAILED: "The sealed text was damaged or belongs elsewhere. Save it again to replace it.",
  INSECURE_CONTEXT: "Open the app by https:// or on localhost: the browser has no cryptography elsewhere.",
  CORRUPTED: "Stored data is damaged. What was synced can be had again: clear this site's data and reload.",
  NETWORK_ERROR: "Nothing is lost. It is sent when the server can be reached again.",
  TIMEOUT: "It took too long. Try again; close other tabs of this app if it stays so.",
  SERIALIZATION_ERROR: "This is a fault of the app. Please report it.",
  UNSUPPORTED: "This browser cannot do it. A current browser can.",
  VERSION_ERROR: "A newer Fieldbook has been here. Reload to get it.",
  BLOCKED: "Another tab holds the database. Close the other tabs of this app, then try again.",
  CONNECTION_LOST: "The browser dropped its database. Try again; reload if it stays so.",
  CLOSED: "The notebook was closed in another tab. Reload.",
  ABORTED: "It was stopped before it was done. Nothing was changed.",
};

/** A failure in words. */
export interface Trouble {
  /** The code of a StorageError, "" of anything else. */
  code: string;
  message: string;
  advice: string;
}

export function describeTrouble(error: unknown): Trouble {
  if (error instanceof StorageError) return { code: error.code, message: error.message, advice: advice[error.code] };
  return { code: "", message: error instanceof Error ? error.message : String(error), advice: "Try again." };
}

/** What happened and what to do, in one line. */
export const sentences = ({ message, advice: next }: { message: string; advice: string }): string =>
  `${message.replace(/[.\s]+$/, "")}. ${next}`;

/** For a failure that came as plain data, from the worker or from the outbox. */
export function adviceFor(code: string): string {
  return code in advice ? advice[code as StorageErrorCode] : "Try again.";
}
