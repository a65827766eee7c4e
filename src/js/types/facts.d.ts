/** What a store is, what it can do and how it is doing. */

export interface StorageInfo {
  name: string;
  type: string;
  platform: "browser" | "node";
  persistent: boolean;
  version: string;
  schemaVersion: number;
  context: "window" | "worker" | "service-worker" | "node";
}

export interface StorageCapabilities {
  transactions: boolean;
  query: boolean;
  search: boolean;
  metadata: boolean;
  encryption: boolean;
  compression: boolean;
  expiration: boolean;
  sync: boolean;
  /**
   * Whether the browser can have a service worker send what waits while no page is open, if it has the two lines of
   * `tidekeep/service-worker`. Nothing depends on it.
   */
  backgroundSync: boolean;
  /** Whether changes are told from tab to tab: where there is a `BroadcastChannel`, and the store is persistent. */
  crossTab: boolean;
}

export interface StorageStatus {
  /**
   * Whether an entry could be written, read and deleted just now: false where the database was closed under the store
   * and cannot be opened again, is blocked, or was taken over by a newer version.
   */
  healthy: boolean;
  /** Entries in all collections and namespaces. */
  size: number;
  /** Most entries, where the backend counts them. */
  capacity?: number;
  /** Bytes of the origin, as the browser estimates. */
  usage?: number;
  quota?: number;
  /** Whether the browser protects the origin from eviction. */
  persisted?: boolean;
  namespaces: number;
  pending: number;
}

export interface StorageSpace {
  usage?: number;
  quota?: number;
  /** What `usage` and `quota` count. */
  unit: "bytes" | "entries";
  /** Whether the browser protects the origin from eviction. */
  persisted?: boolean;
}
