import * as tidekeep from "/tidekeep/index.js";
import { answerOnMessage } from "/scenario/clients.js";

answerOnMessage(tidekeep);
