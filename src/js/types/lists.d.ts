/** Lists of keys and of what stands beside the values. */

import type { Item } from "./entries.js";
import type { SignalOption } from "./signal.js";

export interface ListOptions extends SignalOption {
  /** Keys that begin so. */
  prefix?: string;
  /** Keys that look so: `*` is any run, `?` any one character, everything else itself. */
  pattern?: string;
  limit?: number;
  offset?: number;
}

/** A list of what lies directly under the prefix. Limit and offset count items and folders alike. */
export interface FolderOptions extends Omit<ListOptions, "pattern"> {
  /** What ends the name of a folder in a key, as `"/"`. */
  delimiter: string;
}

/** The items directly under a prefix, and its folders. */
export interface Folder extends Array<Item> {
  /** Each is what its keys begin with, the delimiter included, as `"travel/lisbon/"`. */
  folders: string[];
}
