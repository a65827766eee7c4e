import * as tidekeep from "tidekeep";
import { answer } from "./clients.js";

void answer(tidekeep).then((result) => postMessage(result));
