import { createStorage } from "/tidekeep/index.js";

/** Seals a secret in a database of its own. */
globalThis.seal = async (database, passphrase, secret) => {
  const store = await createStorage({ name: database });
  await store.credentials.unlock({ passphrase });
  await store.credentials.set("maps", secret);
  await store.close();
};
