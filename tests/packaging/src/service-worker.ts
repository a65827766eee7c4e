import * as tidekeep from "tidekeep";
import { answerOnMessage } from "./clients.js";

answerOnMessage(tidekeep);
