/** Calling calls off. */

export interface SignalOption {
  /**
   * Calls the call off: it rejects with `ABORTED`, whose `cause` is the signal's reason, at once; before anything
   * happens, where the signal is aborted already. A write that the backend does not have yet is not made: one that waits
   * for a passphrase, or is among the later ones of a `setMany` with `atomic: false`. One that the backend has may
   * land, whole; to know, read it back. A round of sync goes on for others.
   *
   * @example
   * const found = await store.query({ field: "place", operator: "eq", value: "Lisbon" }, { namespace: "notes", signal: AbortSignal.timeout(5_000) });
   */
  signal?: AbortSignal;
}
