import { createStorage } from "tidekeep";
import type { Collection, DataStore, QueryPage, WriteResult } from "tidekeep";
import { same } from "./same.js";

interface Blueprint {
  id: string;
  name: string;
  author: { name: string; email?: string };
  parts: number;
}

interface App {
  blueprints: { key: string; value: Blueprint; indexes: "name" | "author" };
  settings: { value: { theme: "light" | "dark" } };
}

const store = await createStorage<App>({
  name: "workshop",
  collections: { blueprints: { keyPath: "id", indexes: ["name", "*author", "&name", "[author.name+name]"] } },
});
// @ts-expect-error an index that the schema does not name
await createStorage<App>({ collections: { blueprints: { keyPath: "id", indexes: ["title"] } } });
same<DataStore<App>>()(store);

// Only the schema's collections.
const blueprints = store.collection("blueprints");
same<Collection<App["blueprints"]>>()(blueprints);
store.collection("settings");
// @ts-expect-error the schema has no such collection
store.collection("blueprint");
// @ts-expect-error nor can one be declared
await createStorage<App>({ collections: { drawings: {} } });
// @ts-expect-error nor synced
await createStorage<App>({ sync: { endpoint: "https://example.org/v1/space", collections: ["drawings"] } });
// @ts-expect-error nor used in a transaction
await store.transaction((tx) => tx.collection("drawings").count());
same<Blueprint | undefined>()(await store.transaction((tx) => tx.collection("blueprints").get("1"), { isolation: "serializable" }));
// @ts-expect-error there is no such level
await store.transaction(() => 1, { isolation: "snapshot" });

// Records have the collection's type, in both directions.
same<Blueprint | undefined>()(await blueprints.get("1"));
same<WriteResult>()(await blueprints.put({ id: "1", name: "crane", author: { name: "Ada" }, parts: 3 }));
// @ts-expect-error a field is missing
await blueprints.put({ id: "1", name: "crane", author: { name: "Ada" } });
// @ts-expect-error a field has another type
await blueprints.put({ id: "1", name: "crane", author: { name: "Ada" }, parts: "three" });
// @ts-expect-error there is no such field
await blueprints.put({ id: "1", name: "crane", author: { name: "Ada" }, parts: 3, weight: 2 });
// @ts-expect-error no such theme
await store.collection("settings").put({ theme: "blue" });
await blueprints.update("1", { parts: 4 });
await blueprints.update("1", (blueprint) => ({ ...blueprint, parts: blueprint.parts + 1 }));
// @ts-expect-error there is no such field
await blueprints.update("1", { weight: 4 });

// Fields of filters and of sorting are the record's.
const rows = await blueprints.query({ field: "name", operator: "startsWith", value: "c" }, { sort: { field: "parts" } });
same<QueryPage<Blueprint>>()(rows);
await blueprints.query({ field: "author.name", operator: "eq", value: "Ada" });
await blueprints.query({ field: "$key", operator: "eq", value: "1" });
await blueprints.query({ field: "$meta.origin", operator: "exists", value: true });
await blueprints.query({ and: [{ field: "name", operator: "eq", value: "crane" }, { not: { field: "parts", operator: "lt", value: 2 } }] });
// @ts-expect-error there is no such field
await blueprints.query({ field: "title", operator: "eq", value: "crane" });
// @ts-expect-error nor deeper down
await blueprints.query({ and: [{ field: "title", operator: "eq", value: "crane" }] });
// @ts-expect-error nor to sort by
await blueprints.query([], { sort: { field: "title" } });
// @ts-expect-error there is no such operator
await blueprints.query({ field: "name", operator: "like", value: "c%" });
// @ts-expect-error there is no such order
await blueprints.query([], { sort: { field: "name", order: "up" } });
// @ts-expect-error nor to count by
await blueprints.count({ field: "title", operator: "eq", value: "crane" });
same<QueryPage<Blueprint>>()(await blueprints.query([], { sort: { field: "name", order: "desc" }, limit: 5 }));
same<string | null>()((await blueprints.explain([])).index);

// Of a field with a blind index it can be asked what is equal, and nothing about its order.
interface Vault {
  people: { key: string; value: { id: string; email: string; labels: string[]; age: number }; blind: "email" | "labels" };
}
const vault = await createStorage<Vault>({
  collections: {
    people: {
      keyPath: "id",
      encrypted: true,
      indexes: [{ name: "email", keyPath: "email", blind: true }, { name: "labels", keyPath: "labels", multiEntry: true, blind: true }],
    },
  },
});
// @ts-expect-error a field that the schema does not name
await createStorage<Vault>({ collections: { people: { encrypted: true, indexes: [{ name: "age", keyPath: "age", blind: true }] } } });
// @ts-expect-error a blind index is not unique
await createStorage<Vault>({ collections: { people: { encrypted: true, indexes: [{ name: "email", keyPath: "email", unique: true, blind: true }] } } });
const people = vault.collection("people");
await people.query({ and: [{ field: "email", operator: "in", value: ["a"] }, { field: "age", operator: "gt", value: 3 }] }, { sort: { field: "age" } });
await people.query({ field: "labels", operator: "contains", value: "x" });
// @ts-expect-error it has no order
await people.query({ field: "email", operator: "startsWith", value: "a" });
// @ts-expect-error nor can be sorted by
await people.query([], { sort: { field: "email" } });

// A search is over fields of the record, and its hits have the record's type.
await createStorage<App>({ collections: { blueprints: { search: ["name", { field: "author.name", weight: 2 }] } } });
// @ts-expect-error there is no such field
await createStorage<App>({ collections: { blueprints: { search: ["title"] } } });
const hits = await blueprints.search("crane", { fields: ["name"], match: "any", prefix: "last" });
same<Blueprint | undefined>()(hits[0]?.value);
same<string | undefined>()(hits.next);
// @ts-expect-error there is no such field
await blueprints.search("crane", { fields: ["title"] });

// A namespace beside the schema has the type that one gives it, and unknown by itself.
same<Blueprint | undefined>()(await store.namespace<Blueprint>("drafts").get("1"));
same<unknown>()(await store.namespace("drafts").get("1"));
