/** What the scenario reports where all is well. */
export const expected = (type, context) => ({
  type,
  context,
  persistent: type === "indexeddb",
  titles: ["harbour", "hill"],
  index: "title",
  words: 300,
  written: true,
  refusal: "ALREADY_EXISTS",
});
