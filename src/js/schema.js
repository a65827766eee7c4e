/**
 * Schemas of collections: read once, when a store opens, and asked at every write.
 *
 * A schema is an object with the interface of Standard Schema, or of this subset of JSON Schema, in the meaning of draft
 * 2020-12. A keyword that is not here is refused, since one that is passed over would let through what it forbids.
 * Values that JSON lacks (dates, bytes, maps) have no `type`.
 */

/** What says something about a schema, and nothing about values. */
const NOTES = ['$schema', '$id', '$comment', 'title', 'description', 'examples', 'deprecated', 'readOnly', 'writeOnly'];

/** The deepest nesting of a schema; it also ends cycles. */
const MAX_DEPTH = 64;

/** How much of a constant or a pattern is told. */
const MAX_TOLD = 120;

const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';
const isPlain = (value) => Object.prototype.toString.call(value) === '[object Object]';
const length = (text) => [...text].length;

const TYPES = {
  string: ['a string', (value) => typeof value === 'string'],
  number: ['a number', (value) => Number.isFinite(value)],
  integer: ['a whole number', (value) => Number.isInteger(value)],
  boolean: ['true or false', (value) => typeof value === 'boolean'],
  object: ['an object', isPlain],
  array: ['an array', Array.isArray],
  null: ['null', (value) => value === null],
};

/** A step of a path: `.name`, `[0]`, `["odd name"]`. */
const step = (name) =>
  typeof name === 'number' ? `[${name}]` : /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;

/** What is wrong: where, and what was wanted there. */
const wrong = (path, wanted) => [path, wanted];

const told = (constant) => {
  const text = JSON.stringify(constant) ?? refuse('', 'a constant is a value of JSON');
  return text.length > MAX_TOLD ? `${text.slice(0, MAX_TOLD)}…` : text;
};

/** Whether two values are equal as JSON Schema says, by what they hold; what is being compared counts as equal, so cycles end. */
function equal(a, b, compared = new Map()) {
  if (a === b) return true;
  const [ofA, ofB] = [a, b].map((value) => (Array.isArray(value) ? 'array' : isPlain(value) ? 'object' : ''));
  if (!ofA || ofA !== ofB) return false;
  const others = compared.get(a) ?? new Set();
  if (others.has(b)) return true;
  compared.set(a, others.add(b));
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && equal(a[name], b[name], compared));
}

function distinct(items) {
  const primitives = new Set(items.filter((item) => !isObject(item)));
  const objects = items.filter(isObject);
  return primitives.size + objects.length === items.length && !objects.some((item, at) => objects.slice(0, at).some((other) => equal(item, other)));
}

/** A schema that cannot be used. */
const refuse = (path, message) => {
  throw new TypeError(path ? `${message} (at ${path.replace(/^\./, '')})` : message);
};

const wantNumber = (value, path) => (Number.isFinite(value) ? value : refuse(path, 'a bound is a number'));
const wantCount = (value, path) => (Number.isInteger(value) && value >= 0 ? value : refuse(path, 'a length is a whole number that is not negative'));
const wantList = (value, path) => (Array.isArray(value) && value.length > 0 ? value : refuse(path, 'an array with something in it is wanted'));
const wantObject = (value, path) => (isPlain(value) ? value : refuse(path, 'an object is wanted'));

/** A keyword that concerns values of one kind, and lets all others be. */
const bound = (concerns, read, fits, wanted) => (given, path) => {
  const limit = read(given, path);
  const answer = wanted(limit);
  return (value, at) => (!concerns(value) || fits(value, limit) ? undefined : wrong(at, answer));
};
const isNumber = (value) => typeof value === 'number';
const isString = (value) => typeof value === 'string';

/** What each keyword does: of what it is given, its path in the schema, the schema and its depth, it makes a check. */
const KEYWORDS = {
  type(given, path) {
    const types = (Array.isArray(given) ? wantList(given, path) : [given]).map((name) =>
      typeof name === 'string' && Object.hasOwn(TYPES, name) ? TYPES[name] : refuse(path, `a type is one of ${Object.keys(TYPES).join(', ')}`));
    const wanted = types.map(([name]) => name).join(' or ');
    return (value, at) => (types.some(([, fits]) => fits(value)) ? undefined : wrong(at, wanted));
  },
  enum(given, path) {
    const constants = structuredClone(wantList(given, path));
    const wanted = `one of ${constants.map(told).join(', ')}`.slice(0, 3 * MAX_TOLD);
    return (value, at) => (constants.some((constant) => equal(value, constant)) ? undefined : wrong(at, wanted));
  },
  const(given) {
    const constant = structuredClone(given);
    const wanted = told(constant);
    return (value, at) => (equal(value, constant) ? undefined : wrong(at, wanted));
  },
  minimum: bound(isNumber, wantNumber, (value, limit) => value >= limit, (limit) => `${limit} or more`),
  maximum: bound(isNumber, wantNumber, (value, limit) => value <= limit, (limit) => `${limit} or less`),
  exclusiveMinimum: bound(isNumber, wantNumber, (value, limit) => value > limit, (limit) => `more than ${limit}`),
  exclusiveMaximum: bound(isNumber, wantNumber, (value, limit) => value < limit, (limit) => `less than ${limit}`),
  minLength: bound(isString, wantCount, (value, limit) => length(value) >= limit, (limit) => `${limit} characters or more`),
  maxLength: bound(isString, wantCount, (value, limit) => length(value) <= limit, (limit) => `${limit} characters or fewer`),
  minItems: bound(Array.isArray, wantCount, (value, limit) => value.length >= limit, (limit) => `${limit} items or more`),
  maxItems: bound(Array.isArray, wantCount, (value, limit) => value.length <= limit, (limit) => `${limit} items or fewer`),
  uniqueItems(given, path) {
    if (typeof given !== 'boolean') refuse(path, 'true or false is wanted');
    return (value, at) => (!given || !Array.isArray(value) || distinct(value) ? undefined : wrong(at, 'items that all differ'));
  },
  pattern(given, path) {
    if (!isString(given)) refuse(path, 'a pattern is a string');
    let pattern;
    try {
      pattern = new RegExp(given, 'u');
    } catch {
      refuse(path, 'the pattern is no regular expression of the u flag');
    }
    return (value, at) => (!isString(value) || pattern.test(value) ? undefined : wrong(at, `text that matches ${told(given)}`));
  },
  properties(given, path, depth) {
    const checks = Object.entries(wantObject(given, path)).map(([name, schema]) => [name, read(schema, path + step(name), depth + 1)]);
    return (value, at) => {
      if (!isPlain(value)) return undefined;
      for (const [name, check] of checks) {
        const found = present(value, name) ? check(value[name], at + step(name)) : undefined;
        if (found) return found;
      }
      return undefined;
    };
  },
  required(given, path) {
    if (!Array.isArray(given) || !given.every(isString)) refuse(path, 'an array of property names is wanted');
    const names = [...given];
    return (value, at) => {
      const missing = isPlain(value) ? names.find((name) => !present(value, name)) : undefined;
      return missing === undefined ? undefined : wrong(at + step(missing), 'a value');
    };
  },
  additionalProperties(given, path, depth, { properties }) {
    const check = read(given, path, depth + 1);
    const known = new Set(Object.keys(properties ?? {}));
    return (value, at) => {
      if (!isPlain(value)) return undefined;
      for (const name of Object.keys(value)) {
        const found = known.has(name) || value[name] === undefined ? undefined : check(value[name], at + step(name));
        if (found) return found;
      }
      return undefined;
    };
  },
  items(given, path, depth) {
    const check = read(given, path, depth + 1);
    return (value, at) => {
      for (let index = 0; Array.isArray(value) && index < value.length; index += 1) {
        const found = check(value[index], at + step(index));
        if (found) return found;
      }
      return undefined;
    };
  },
  allOf(given, path, depth) {
    const checks = readAll(given, path, depth);
    return (value, at) => first(checks, value, at);
  },
  anyOf(given, path, depth) {
    const checks = readAll(given, path, depth);
    return (value, at) => (checks.some((check) => !check(value, at)) ? undefined : wrong(at, `one of ${checks.length} schemas (anyOf)`));
  },
  oneOf(given, path, depth) {
    const checks = readAll(given, path, depth);
    return (value, at) =>
      checks.filter((check) => !check(value, at)).length === 1 ? undefined : wrong(at, `exactly one of ${checks.length} schemas (oneOf)`);
  },
  not(given, path, depth) {
    const check = read(given, path, depth + 1);
    return (value, at) => (check(value, at) ? undefined : wrong(at, 'what the schema does not exclude (not)'));
  },
};

/** Whether an object has a property of its own that is something. */
const present = (value, name) => Object.hasOwn(value, name) && value[name] !== undefined;

function first(checks, value, at) {
  for (const check of checks) {
    const found = check(value, at);
    if (found) return found;
  }
  return undefined;
}

const readAll = (given, path, depth) => wantList(given, path).map((schema, at) => read(schema, path + step(at), depth + 1));

/** Reads a JSON Schema into a check: of a value and its path it gives what is wrong, or undefined. */
function read(schema, path, depth) {
  if (depth > MAX_DEPTH) refuse(path.slice(0, MAX_TOLD), 'the schema is nested too deeply');
  if (typeof schema === 'boolean') return (value, at) => (schema ? undefined : wrong(at, 'nothing'));
  if (!isPlain(schema)) refuse(path, 'a schema is an object, true or false, or has the interface of Standard Schema');
  const checks = [];
  for (const [name, given] of Object.entries(schema)) {
    if (Object.hasOwn(KEYWORDS, name)) checks.push(KEYWORDS[name](given, path + step(name), depth, schema));
    else if (!NOTES.includes(name)) {
      refuse(path, `the keyword “${name}” is not among those that are checked: ${Object.keys(KEYWORDS).join(', ')}`);
    }
  }
  return (value, at) => first(checks, value, at);
}

/** The check of a Standard Schema. Its messages may quote the value, so they are not told: only what it says was expected. */
function standard({ version, validate }, schema) {
  if (version !== 1 || typeof validate !== 'function') refuse('', 'the “~standard” of the schema has no validate() of version 1');
  return (value) => {
    // A copy: what a validator does to its value is not what is stored.
    const result = validate.call(schema['~standard'], structuredClone(value));
    if (typeof result?.then === 'function') {
      result.then(undefined, () => undefined);
      throw new TypeError('the schema answers with a promise; a write is validated at once, so it has to answer at once');
    }
    if (!isObject(result)) throw new TypeError('the schema gave no result');
    if (result.issues === undefined) return undefined;
    const [issue] = result.issues;
    const names = [...(issue?.path ?? [])].map(keyOf);
    const quotes = quoting(names.reduce((inner, name) => inner?.[name], value));
    const wanted = [issue?.expected, issue?.code, issue?.type].find((text) => isString(text) && !quotes(text)) ?? 'what the schema describes';
    return wrong(names.map(step).join(''), wanted.slice(0, 3 * MAX_TOLD));
  };
}

/** Whether a text quotes a value: some libraries tell in what they expected what they found. */
const quoting = (value) => {
  const text = isObject(value) ? '' : String(value);
  return (wanted) => wanted.includes('(was ') || (text.length > 1 && wanted.includes(text));
};

const keyOf = (part) => {
  const key = isObject(part) ? part.key : part;
  return typeof key === 'number' ? key : String(key);
};

/**
 * Reads the schema of a collection. The check that it gives answers undefined for a value that fits, and otherwise where
 * what is wrong and what was wanted, as two texts.
 *
 * @param {unknown} schema
 * @returns {(value: unknown) => [path: string, wanted: string] | undefined}
 * @throws {TypeError} where the schema cannot be used.
 */
export function compile(schema) {
  // Some libraries' schemas are functions.
  const interfaced = isObject(schema) ? schema['~standard'] : undefined;
  const check = isObject(interfaced) ? standard(interfaced, schema) : read(schema, '', 0);
  return (value) => {
    const found = check(value, '');
    return found && [found[0].replace(/^\./, '') || 'the value itself', found[1]];
  };
}
