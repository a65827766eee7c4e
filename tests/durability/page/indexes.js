// Compares every index of a database with the records, by IndexedDB alone.

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** What stands in a row where a key path points. */
const at = (row, path) => path.split(".").reduce((value, name) => value?.[name], row);

/** Whether IndexedDB takes a value for a key. */
function isKey(value) {
  try {
    return indexedDB.cmp(value, value) === 0;
  } catch {
    return false;
  }
}

/** The entries that an index should have for a row. */
function entriesOf({ keyPath, multiEntry }, row) {
  const value = Array.isArray(keyPath) ? keyPath.map((path) => at(row, path)) : at(row, keyPath);
  if (!multiEntry || !Array.isArray(value)) return isKey(value) ? [value] : [];
  return value.filter((element, place) => isKey(element) && value.findIndex((other) => isKey(other) && indexedDB.cmp(other, element) === 0) === place);
}

/** Every entry of an index, as [entry, primary key]. */
function scan(index) {
  return new Promise((resolve, reject) => {
    const found = [];
    const request = index.openKeyCursor();
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) return resolve(found);
      found.push([cursor.key, cursor.primaryKey]);
      cursor.continue();
    };
  });
}

/** Where an index and the records of its store are not of one mind; and how many entries were compared. */
export async function compareIndexes(name) {
  const database = await settled(indexedDB.open(name));
  const differences = [];
  let entries = 0;
  try {
    for (const storeName of database.objectStoreNames) {
      const store = database.transaction(storeName, "readonly").objectStore(storeName);
      if (store.indexNames.length === 0) continue;
      const scans = [...store.indexNames].map((indexName) => [store.index(indexName), scan(store.index(indexName))]);
      const [keys, rows] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())]);
      for (const [index, scanning] of scans) {
        const wanted = rows.flatMap((row, place) => entriesOf(index, row).map((entry) => [entry, keys[place]]));
        const found = await scanning;
        wanted.sort((a, b) => indexedDB.cmp(a[0], b[0]) || indexedDB.cmp(a[1], b[1]));
        // WebKit keeps entries for null, which is no key; the package passes over them.
        const proper = found.filter(([entry]) => isKey(entry));
        entries += proper.length;
        const same = wanted.length === proper.length && wanted.every((pair, place) => indexedDB.cmp(pair, proper[place]) === 0);
        if (!same) differences.push(`${storeName}.${index.name}: ${wanted.length} entries wanted, ${proper.length} found`);
      }
    }
  } finally {
    database.close();
  }
  return { differences, entries };
}
