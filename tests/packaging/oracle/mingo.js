// Our filters in the words of mingo, for plain records: where MongoDB means something else, in more of them.

const there = (field) => ({ [field]: { $exists: true } });
const nothing = { $nor: [{}] };
const literally = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The document that stands for an entry. */
export function document({ value, options }) {
  return { ...value, $key: undefined, _key: value.id, _tags: options.tags ?? [], _meta: options.metadata ?? {}, _version: 1 };
}

const named = (field) => ({ $key: "_key", $tags: "_tags", $version: "_version" })[field] ?? field.replace(/^\$meta\./, "_meta.");

function equals(field, value) {
  // There null equals what is missing too.
  return value === null ? { $and: [there(field), { [field]: { $eq: null } }] } : { [field]: { $eq: value } };
}

const among = (field, values) => (values.length === 0 ? nothing : { $or: values.map((value) => equals(field, value)) });
const except = (field, filter, includeMissing) => (includeMissing ? { $nor: [filter] } : { $and: [there(field), { $nor: [filter] }] });
const matching = (field, pattern) => ({ [field]: { $regex: new RegExp(pattern, "s") } });

function condition({ field: ours, operator, value, includeMissing }) {
  const field = named(ours);
  switch (operator) {
    case "eq": return equals(field, value);
    case "ne": return except(field, equals(field, value), includeMissing);
    case "in": return among(field, value);
    case "nin": return except(field, among(field, value), includeMissing);
    case "between": return { $and: [{ [field]: { $gte: value[0] } }, { [field]: { $lte: value[1] } }] };
    case "startsWith": return matching(field, `^${literally(value)}`);
    case "endsWith": return matching(field, `${literally(value)}$`);
    case "contains": return matching(field, literally(value));
    case "exists": return { [field]: { $exists: value } };
    default: return { [field]: { [`$${operator}`]: value } };
  }
}

/** A filter of ours, in its words; undefined where the two mean different things by it. */
export function translated(filter) {
  if (Array.isArray(filter)) return translated({ and: filter });
  if (filter.and || filter.or) {
    const parts = (filter.and ?? filter.or).map(translated);
    if (parts.includes(undefined)) return undefined;
    if (parts.length === 0) return filter.and ? {} : nothing;
    return filter.and ? { $and: parts } : { $or: parts };
  }
  if (filter.not) {
    const part = translated(filter.not);
    return part && { $nor: [part] };
  }
  // There a condition on an array is one on its elements; in ours, but for `contains`, on the array.
  const lists = filter.field === "tags" || filter.field === "$tags";
  if (lists && filter.operator === "contains" && filter.value !== null) return { [named(filter.field)]: { $elemMatch: { $eq: filter.value } } };
  if (lists && filter.operator !== "exists") return undefined;
  if (filter.operator === "contains" && typeof filter.value !== "string") return nothing;
  return condition(filter);
}
