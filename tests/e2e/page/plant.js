// Texts in the clear, in every place and form in which a browser may keep one: what a search has to find.

const hex = (text) => [...text].map((letter) => letter.charCodeAt(0).toString(16)).join("");
/** Text that packs well, and so has what stands beside it packed as well. */
const filler = (count) => Array.from({ length: count }, (_, at) => ({ name: `filler ${at % 7}`, list: [1, 2, at] }));
/** Other texts of the same letters, which leave of a text no more than references to themselves. */
const like = (form) => Array.from({ length: 300 }, () => form(Math.random().toString(36) + Math.random().toString(36)));
const among = (form, text, count = 40) => ({ before: filler(count), like: like(form), text: form(text), behind: filler(count) });

const wide = (text) => `${text}\u2603`;
const base64 = (text) => btoa(`x${text}`);

const settled = (request) =>
  new Promise((done, failed) => Object.assign(request, { onsuccess: () => done(request.result), onerror: () => failed(request.error) }));

const opened = () => {
  const opening = indexedDB.open("planted", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("rows").createIndex("field", "field");
  return settled(opening);
};

const write = (database, ask) =>
  new Promise((done, failed) => {
    const transaction = database.transaction("rows", "readwrite", { durability: "strict" });
    Object.assign(transaction, { oncomplete: () => done(), onabort: () => failed(transaction.error) });
    ask(transaction.objectStore("rows"));
  });

globalThis.page = {
  async plant(texts) {
    const database = await opened();
    const rows = {
      row: { text: texts.row },
      "wide row": { text: wide(texts["wide row"]) },
      "packed hexadecimal": among(hex, texts["packed hexadecimal"]),
      "packed base64": among(base64, texts["packed base64"]),
      "packed wide row": among(wide, texts["packed wide row"]),
      "long row": among(wide, texts["long row"], 20_000),
      "row that was replaced": among(hex, texts["row that was replaced"]),
      "row that was deleted": among(hex, texts["row that was deleted"]),
      "indexed field": { field: texts["indexed field"] },
      bytes: { buffer: new TextEncoder().encode(texts.bytes) },
      blob: { blob: new Blob([texts.blob]) },
    };
    for (const [key, value] of Object.entries(rows)) await write(database, (store) => store.put(value, key));
    await write(database, (store) => store.put(1, texts.key));
    await write(database, (store) => store.put(1, "row that was replaced"));
    await write(database, (store) => store.delete("row that was deleted"));
    localStorage.setItem("planted", texts["local storage"]);
    document.cookie = `planted=${texts.cookie}; max-age=100000`;
    const cache = await caches.open("planted");
    await cache.put("/planted", new Response(texts.cache));
    database.close();
  },
  /** Writes 6 MB of nothing. */
  async flood() {
    const database = await opened();
    for (let at = 0; at < 200; at += 1) {
      await write(database, (store) => store.put(crypto.getRandomValues(new Uint8Array(32_000)), `flood ${at}`));
    }
    database.close();
  },
};
