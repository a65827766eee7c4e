import { createStorage } from "tidekeep";
import type { JsonSchema } from "tidekeep";
import * as v from "valibot";
import { z } from "zod";

interface Note {
  id: string;
  text: string;
  author: { name: string; email?: string };
  tags?: string[];
  at: Date;
}
interface App {
  notes: { key: string; value: Note; indexes: "text" };
}

await createStorage<App>({
  collections: {
    notes: {
      keyPath: "id",
      schema: {
        type: "object",
        required: ["id", "text"],
        properties: {
          text: { type: "string", maxLength: 280 },
          author: { properties: { email: { pattern: "@" } } },
          tags: { items: { enum: ["a", "b"] }, uniqueItems: true },
        },
      },
    },
  },
});

// A schema that is written once, elsewhere.
const constant = { type: ["object", "null"], required: ["id"], properties: { id: { minLength: 1 } } } as const;
await createStorage<App>({ collections: { notes: { schema: constant } } });
const anywhere: JsonSchema = { properties: { whatever: { type: "string" } }, required: ["whatever"] };
await createStorage({ collections: { notes: { schema: anywhere } } });

// @ts-expect-error the record has no such property
await createStorage<App>({ collections: { notes: { schema: { properties: { title: { type: "string" } } } } } });
// @ts-expect-error nor deeper down
await createStorage<App>({ collections: { notes: { schema: { properties: { author: { properties: { age: {} } } } } } } });
// @ts-expect-error nor a required one
await createStorage<App>({ collections: { notes: { schema: { required: ["title"] } } } });
// @ts-expect-error there is no such type
await createStorage<App>({ collections: { notes: { schema: { type: "date" } } } });
// @ts-expect-error there is no such keyword
await createStorage<App>({ collections: { notes: { schema: { format: "email" } } } });

// The libraries' own schemas are taken as they are.
const inZod = z.object({ id: z.string(), text: z.string(), author: z.object({ name: z.string(), email: z.string().optional() }), tags: z.array(z.string()).optional(), at: z.date() });
await createStorage<App>({ collections: { notes: { schema: inZod } } });
const inValibot = v.object({ id: v.string(), text: v.string(), author: v.object({ name: v.string(), email: v.optional(v.string()) }), tags: v.optional(v.array(v.string())), at: v.date() });
await createStorage<App>({ collections: { notes: { schema: inValibot } } });
// @ts-expect-error a schema of another record
await createStorage<App>({ collections: { notes: { schema: z.object({ id: z.number() }) } } });
