import * as tidekeep from "/tidekeep/index.js";
import { runAll } from "./index.js";

const vectors = ["values", "words", "database"].map((name) => fetch(`/vectors/${name}-v1.json`).then((response) => response.json()));

globalThis.found = Promise.all(vectors).then(([values, words, database]) =>
  runAll(tidekeep, "indexeddb", { values, database }, words));
