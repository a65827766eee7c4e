import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { join } from "node:path";
import Ajv from "ajv/dist/2020.js";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { project } from "./support/paths.js";

const { compile } = await import(join(project, "../../src/js/schema.js"));

/** A generator of numbers in [0, 1) that repeats itself from a seed (mulberry32). */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Without `__proto__`, which ajv passes over. */
const NAMES = ["a", "b", "constructor", "odd name"];
const TYPES = ["string", "number", "integer", "boolean", "object", "array", "null"];

/** Random schemas and values from so small a world that they often meet. */
function world(next) {
  const below = (n) => Math.floor(next() * n);
  const pick = (list) => list[below(list.length)];
  const some = (n, make) => Array.from({ length: below(n + 1) }, make);
  const record = (make) => JSON.parse(`{${[...new Set(some(3, () => pick(NAMES)))].map((name) => `${JSON.stringify(name)}:${JSON.stringify(make())}`)}}`);
  const primitive = () => pick([null, true, false, 0, 1, 2, -1, 1.5, "", "a", "ab", "é", "😀", "😀😀"]);
  const value = (depth = 0) => (depth > 2 || next() < 0.45 ? primitive() : next() < 0.5 ? some(4, () => value(depth + 1)) : record(() => value(depth + 1)));
  const keywords = {
    type: () => (next() < 0.7 ? pick(TYPES) : [...new Set([pick(TYPES), pick(TYPES)])]),
    enum: () => [value(1), value(1), value(1)],
    const: () => value(1),
    minimum: () => pick([-1, 0, 1.5]),
    maximum: () => pick([-1, 0, 1.5]),
    exclusiveMinimum: () => pick([-1, 0, 1.5]),
    exclusiveMaximum: () => pick([-1, 1, 2]),
    minLength: () => below(3),
    maxLength: () => below(3),
    pattern: () => pick(["a", "^a$", "^.$", "\\p{L}", "b|^$"]),
    minItems: () => below(3),
    maxItems: () => below(3),
    uniqueItems: () => next() < 0.8,
  };
  const nested = {
    properties: (depth) => record(() => schema(depth + 1)),
    required: () => [...new Set(some(2, () => pick(NAMES)))],
    additionalProperties: (depth) => schema(depth + 1),
    items: (depth) => schema(depth + 1),
    anyOf: (depth) => [schema(depth + 1), schema(depth + 1)],
    oneOf: (depth) => [schema(depth + 1), schema(depth + 1)],
    allOf: (depth) => [schema(depth + 1), schema(depth + 1)],
    not: (depth) => schema(depth + 1),
  };
  function schema(depth = 0) {
    if (next() < 0.08) return next() < 0.5;
    const made = {};
    for (let left = 1 + below(3); left > 0; left -= 1) {
      const all = depth < 3 ? { ...keywords, ...nested } : keywords;
      const name = pick(Object.keys(all));
      made[name] = all[name](depth);
    }
    return made;
  }
  return { schema, value };
}

describe("a JSON Schema", () => {
  const rounds = Number(process.env.TIDEKEEP_SCHEMAS ?? 500);

  test(`says of random values what ajv says, in ${rounds} random schemas`, () => {
    const ajv = new Ajv({ strict: false, allErrors: false, ownProperties: true });
    let fitted = 0;
    for (let seed = 0; seed < rounds; seed += 1) {
      const { schema, value } = world(random(seed));
      const wanted = schema();
      const [ours, theirs] = [compile(wanted), ajv.compile(wanted)];
      for (let at = 0; at < 20; at += 1) {
        const given = value();
        const found = ours(given);
        assert.equal(found === undefined, theirs(given), `seed ${seed}: ${JSON.stringify(wanted)} on ${JSON.stringify(given)}`);
        fitted += found === undefined;
      }
    }
    assert.ok(fitted > rounds * 3 && fitted < rounds * 17, `${fitted} fitted: the worlds do not meet`);
  });

  test("tells where, and what was wanted", () => {
    const check = compile({
      type: "object",
      required: ["id"],
      additionalProperties: false,
      properties: { id: { type: ["string", "integer"] }, tags: { items: { enum: ["a", "b"] } }, deep: { properties: { x: { exclusiveMinimum: 0, maximum: 9 } } } },
    });
    for (const [value, wanted] of [
      [{ id: 1 }, undefined],
      [7, ["the value itself", "an object"]],
      [{}, ["id", "a value"]],
      [{ id: undefined }, ["id", "a value"]],
      [{ id: 1.5 }, ["id", "a string or a whole number"]],
      [{ id: 1, tags: ["a", "c"] }, ["tags[1]", 'one of "a", "b"']],
      [{ id: 1, deep: { x: 0 } }, ["deep.x", "more than 0"]],
      [{ id: 1, deep: { x: NaN } }, ["deep.x", "more than 0"]],
      [{ id: 1, "odd name": 1 }, ['["odd name"]', "nothing"]],
      [JSON.parse('{"id":1,"__proto__":1}'), ["__proto__", "nothing"]],
    ]) {
      assert.deepEqual(check(value), wanted);
    }
  });

  test("has no type for what JSON lacks, and lets it be where no type is asked for", () => {
    for (const value of [new Date(), new Map(), new Uint8Array(1), 1n, undefined, NaN, /a/]) {
      for (const name of TYPES) assert.ok(compile({ type: name })(value), `${name}: ${String(value)}`);
      assert.equal(compile({ required: ["a"], minLength: 9, minItems: 9, properties: { a: false } })(value), undefined);
    }
  });

  test("ends on values that hold themselves", () => {
    const [one, other] = [[], []];
    one.push(one);
    other.push(other);
    assert.deepEqual(compile({ uniqueItems: true })([one, other]), ["the value itself", "items that all differ"]);
    assert.ok(compile({ const: [[[]]] })(one));
    assert.equal(compile({ items: { items: { type: "array" } } })(one), undefined);
  });

  test("that cannot be used is refused, with its place", () => {
    const cyclic = {};
    cyclic.not = cyclic;
    for (const [schema, said] of [
      [null, /a schema is/],
      ["string", /a schema is/],
      [[], /a schema is/],
      [new Date(), /a schema is/],
      [{ format: "email" }, /keyword “format”/],
      [{ default: 1 }, /keyword “default”/],
      [{ $ref: "#" }, /keyword “\$ref”/],
      [{ properties: { a: { typ: "string" } } }, /“typ”.*at properties\.a/s],
      [{ type: "date" }, /a type is one of/],
      [{ type: "constructor" }, /a type is one of/],
      [{ type: [] }, /at type/],
      [{ properties: [] }, /at properties/],
      [{ required: "a" }, /at required/],
      [{ enum: [] }, /at enum/],
      [{ minimum: "1" }, /at minimum/],
      [{ maxLength: -1 }, /at maxLength/],
      [{ maxItems: 1.5 }, /at maxItems/],
      [{ uniqueItems: 1 }, /at uniqueItems/],
      [{ pattern: "(" }, /at pattern/],
      [{ pattern: /a/ }, /a pattern is a string/],
      [{ items: [{}] }, /at items/],
      [{ anyOf: [] }, /at anyOf/],
      [{ oneOf: {} }, /at oneOf/],
      [cyclic, /nested too deeply/],
      [{ "~standard": {} }, /validate/],
      [{ "~standard": { version: 2, validate() {} } }, /version 1/],
    ]) {
      assert.throws(() => compile(schema), said);
    }
  });
});

describe("a Standard Schema", () => {
  const libraries = {
    zod: z.object({ id: z.string(), deep: z.array(z.object({ n: z.number().min(1) })), kind: z.enum(["x", "y"]) }),
    valibot: v.object({ id: v.string(), deep: v.array(v.object({ n: v.pipe(v.number(), v.minValue(1)) })), kind: v.picklist(["x", "y"]) }),
    arktype: type({ id: "string", deep: type({ n: "number >= 1" }).array(), kind: "'x' | 'y'" }),
  };
  for (const [name, schema] of Object.entries(libraries)) {
    test(`of ${name} says where, and what was wanted, and never the value`, () => {
      const check = compile(schema);
      const fitting = { id: "a", deep: [{ n: 1 }], kind: "x" };
      assert.equal(check(fitting), undefined);
      for (const [change, path] of [
        [{ id: 777_777 }, "id"],
        [{ deep: [{ n: 1 }, { n: "777777" }] }, "deep[1].n"],
        [{ deep: [{ n: -777_777 }] }, "deep[0].n"],
        [{ kind: "777777" }, "kind"],
      ]) {
        const found = check({ ...fitting, ...change });
        assert.equal(found[0], path);
        assert.ok(found[1].length > 0 && !found.join().includes("777"), found.join(": "));
      }
    });
  }

  test("cannot change what is stored", () => {
    const value = { a: { b: 1 } };
    const check = compile({ "~standard": { version: 1, vendor: "test", validate: (given) => ((given.a.b = 2), { value: given }) } });
    assert.equal(check(value), undefined);
    assert.equal(value.a.b, 1);
  });

  test("that answers with a promise, with nothing or by throwing is told", () => {
    const answering = (validate) => compile({ "~standard": { version: 1, vendor: "test", validate } });
    assert.throws(() => answering(() => Promise.reject(new Error("late")))({}), /promise/);
    assert.throws(() => answering(() => undefined)({}), /no result/);
    assert.throws(() => answering(() => { throw new Error("broken"); })({}), /broken/);
    assert.deepEqual(answering(() => ({ issues: [] }))({}), ["the value itself", "what the schema describes"]);
    assert.deepEqual(answering(() => ({ issues: [{ message: "secret", path: [{ key: "a" }, 0] }] }))({}), ["a[0]", "what the schema describes"]);
  });
});
