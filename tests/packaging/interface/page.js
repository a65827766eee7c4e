import * as tidekeep from "/tidekeep/index.js";
import { runAll } from "./index.js";

globalThis.found = runAll(tidekeep, "indexeddb");
