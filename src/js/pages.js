/** Pages of a query, one after the other. */

/** How many rows of an iteration are read at once. */
const PAGE = 256;

/** Reads page after page: the next one while the rows of this one are used. */
export async function* rows(collection, { filter, limit, ...options }) {
  const read = (left, where) => collection.query(filter, { ...options, ...where, limit: Math.min(left, PAGE) });
  let left = limit ?? Infinity;
  let ahead = read(left);
  while (ahead) {
    const page = await ahead;
    left -= page.length;
    ahead = page.next !== undefined && left > 0 ? read(left, { offset: undefined, after: page.next }) : undefined;
    ahead?.catch(() => {}); // it is told where it is awaited, and nowhere if the caller stops before
    yield* page;
  }
}
