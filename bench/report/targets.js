/**
 * What tidekeep is to reach in Chromium: `[what, the measured ratio, the most it may be]`. Ratios are of medians in one
 * run.
 */
export const targets = [
  ["bulk write of 10 000, three indexes, of bare IndexedDB", (t) => t.ratio("tidekeep", "bulk"), 1.0],
  ["the same, of Dexie", (t) => t.ratio("tidekeep", "bulk", "dexie"), 1.0],
  ["500 puts at once, of bare transactions at once", (t) => t.ratio("tidekeep", "put-at-once"), 0.35],
  ["200 puts in turn, of bare IndexedDB", (t) => t.ratio("tidekeep", "put"), 1.1],
  ["1 000 gets in turn, first read, of bare IndexedDB", (t) => t.ratio("tidekeep", "get"), 1.15],
  ["the same gets again, of bare IndexedDB", (t) => t.ratio("tidekeep", "get-again"), 0.05],
  ["range of 1 000, of bare IndexedDB", (t) => t.ratio("tidekeep", "range"), 1.1],
  ["filter, sort, the first 20, of bare IndexedDB", (t) => t.ratio("tidekeep", "filter"), 1.1],
  ["read all, of bare IndexedDB", (t) => t.ratio("tidekeep", "all"), 1.1],
  ["page 100 of 20, of page 1", (t) => t.ratio("tidekeep", "deep-page", "tidekeep", "first-page"), 1.2],
  ["write of 10 000 sealed, of the same unsealed", (t) => t.ratio("tidekeep", "sealed-bulk", "tidekeep", "unindexed-bulk"), 1.3],
  ["first insert on a cold page, of bare IndexedDB", (t) => t.ratio("tidekeep", "cold"), 3],
];

/** The most that a work may take, in milliseconds. */
export const limits = {
  "blueprint-save": 100,
  "blueprint-load": 50,
  "blueprint-list": 200,
  "blueprint-search": 500,
};
