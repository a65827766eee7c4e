/** Another tab of tidekeep: it tells the page that opened it what its live query hears. */

const { openWith } = await import("/engines/tidekeep.js");
const { documents } = await openWith(new URLSearchParams(location.search).get("name"), {}, { indexes: ["created"] });
documents.watch({ field: "created", operator: "gte", value: 0 }, () => parent.postMessage("heard"));
