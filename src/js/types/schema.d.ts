/** What an application says of its records: the types that calls are checked by. */

/**
 * What an application's plain interface must look like. Collection names, record types and field names are checked
 * from it.
 *
 * @example
 * interface App { notes: { key: string; value: { id: string; text: string }; indexes: "text" } }
 */
export type Schema<S> = { [C in keyof S]: CollectionSchema };

export interface CollectionSchema {
  key?: Key;
  value: unknown;
  indexes?: string;
  /** The fields with a blind index: of these it can be asked what is equal, and nothing about order. */
  blind?: string;
}

export type AnySchema = Record<string, { key: Key; value: unknown; indexes: string }>;

/** IndexedDB's key types, with IndexedDB's order. */
export type Key = string | number | Date | ArrayBuffer | ArrayBufferView | readonly Key[];

/**
 * A field of a record, a path into it, its key (`"$key"`), its tags (`"$tags"`), its metadata (`"$meta.x"`), or what the
 * system keeps of it: the dates `"$created"`, `"$modified"` and `"$expires"`, and the number `"$version"`.
 */
export type Field<C> = C extends { value: infer V extends object }
  ? (keyof V & string) | `${keyof V & string}.${string}` | SystemField
  : string;

export type SystemField = "$key" | "$tags" | "$created" | "$modified" | "$expires" | "$version" | `$meta.${string}`;

/** A field with a blind index. */
export type BlindField<C> = C extends { blind: infer B extends string } ? B : never;

/** A field that has an order: any but those with a blind index. */
export type OrderedField<C> = Exclude<Field<C>, BlindField<C>>;

/** A field of a record, or a path into it. */
export type SearchableField<C> = C extends { value: infer V extends object }
  ? (keyof V & string) | `${keyof V & string}.${string}`
  : string;
