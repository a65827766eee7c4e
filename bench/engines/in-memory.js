/** What engines without indexes leave to the application: read everything, then filter and sort. */

const byCreated = (one, other) => one.created - other.created;

export function inMemory(all) {
  const where = async (wanted) => (await all()).filter(wanted).sort(byCreated);
  const within = (low, high) => ({ created }) => created >= low && created <= high;
  return {
    between: (low, high) => where(within(low, high)),
    ofGroup: async (group, limit) => (await where((document) => document.group === group)).slice(0, limit),
    pages: (size) => {
      let after = -1;
      return async () => {
        const page = (await where(({ created }) => created > after)).slice(0, size);
        after = page.at(-1)?.created;
        return page;
      };
    },
    count: async (low, high) => (await all()).filter(within(low, high)).length,
    scan: async (wanted) => (await all()).filter(({ done, body }) => done && body.includes(wanted)),
  };
}
