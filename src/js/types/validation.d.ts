/** What values must look like. */

import type { Item } from "./entries.js";

/**
 * A subset of JSON Schema, in the meaning of draft 2020-12. A keyword that is not here is `INVALID_CONFIG` at opening.
 * `type` knows the values of JSON; a Date, a Map or bytes have none. A property that is undefined is not there.
 */
export type JsonSchema<V = unknown> = boolean | JsonSchemaObject<V>;

export interface JsonSchemaObject<V = unknown> {
  type?: JsonType | readonly JsonType[];
  enum?: readonly (V | null)[];
  const?: V | null;
  properties?: unknown extends V ? { readonly [name: string]: JsonSchema } : { readonly [P in keyof V & string]?: JsonSchema<NonNullable<V[P]>> };
  required?: readonly (unknown extends V ? string : keyof V & string)[];
  additionalProperties?: JsonSchema;
  items?: V extends readonly (infer Item)[] ? JsonSchema<Item> : JsonSchema;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  /** In characters, as `maxLength` is; not in UTF-16 units. */
  minLength?: number;
  maxLength?: number;
  /** A regular expression with the `u` flag, found anywhere in the text unless it is anchored. How long it takes is the application's own affair. */
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  anyOf?: readonly JsonSchema<V>[];
  oneOf?: readonly JsonSchema<V>[];
  allOf?: readonly JsonSchema<V>[];
  not?: JsonSchema<V>;
  $schema?: string;
  $id?: string;
  $comment?: string;
  title?: string;
  description?: string;
  examples?: readonly unknown[];
  deprecated?: boolean;
  readOnly?: boolean;
  writeOnly?: boolean;
}

export type JsonType = "string" | "number" | "integer" | "boolean" | "object" | "array" | "null";

/** The interface of https://standardschema.dev. It must answer at once: a promise is `INVALID_CONFIG` at the write. */
export interface StandardSchema<V = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => unknown;
    readonly types?: { readonly input: Undefinable<V>; readonly output: unknown } | undefined;
  };
}

/** As libraries infer it: what is optional may be undefined too. */
type Undefinable<T> = T extends (...given: never[]) => unknown
  ? T
  : T extends object
    ? { [P in keyof T]: {} extends Pick<T, P> ? Undefinable<T[P]> | undefined : Undefinable<T[P]> }
    : T;

export {};
