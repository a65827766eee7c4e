import * as tidekeep from "/tidekeep/index.js";
import { answer } from "/scenario/clients.js";

postMessage(await answer(tidekeep));
