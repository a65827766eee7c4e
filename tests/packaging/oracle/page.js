import * as tidekeep from "/tidekeep/index.js";
import { run } from "./run.js";

// As a script, it says its name to the page.
const { Query } = globalThis.mingo;
const asked = new URLSearchParams(location.search);
const options = { programs: Number(asked.get("programs")), seed: Number(asked.get("seed")) };

globalThis.found = (async () => {
  const found = [];
  for (const type of asked.get("types").split(",")) found.push(await run(tidekeep, Query, { type, ...options }));
  return found;
})();
