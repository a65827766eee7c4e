import * as tidekeep from "/tidekeep/index.js";
import { runAll } from "./index.js";

globalThis.found = fetch("/vectors/values-v1.json")
  .then((response) => response.json())
  .then((golden) => runAll(tidekeep, "indexeddb", golden));
