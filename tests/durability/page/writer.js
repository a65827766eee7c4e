// Writes lanes at full speed and tells the test, outside of the browser, what has been acknowledged.

import { createStorage } from "/tidekeep/index.js";
import { isBare, openBare } from "./bare.js";
import { COLLECTIONS, operation, perform } from "./program.js";

const endpoint = { endpoint: `${location.origin}/v1/nowhere`, auth: () => "token", enabled: false };
/** The ways of writing. The outbox of what replicates is never sent here. */
const WAYS = { relaxed: { durability: "relaxed" }, strict: { durability: "strict" }, synced: { sync: endpoint } };

/** Opens the store of a way of writing. */
export const open = (way) =>
  isBare(way) ? openBare(way) : createStorage({ name: way, type: "indexeddb", collections: COLLECTIONS, ...WAYS[way] });

/**
 * Writes until it is killed.
 *
 * @param {{ seed: number, largest: number, session: number, lanes: { way: string, lane: string, from: number }[] }} task
 */
export async function write({ session, lanes, ...program }) {
  const stores = {};
  for (const { way } of lanes) stores[way] ??= await open(way);
  const report = reporter();
  for (const { way, lane, from } of lanes) {
    void writeLane(stores[way], program, lane, from, (fact) => report({ session, lane, ...fact }));
  }
}

async function writeLane(store, program, lane, from, report) {
  for (let at = from; ; at += 1) {
    const does = operation(program, lane, at);
    try {
      const durability = await perform(store, does);
      report({ done: at + 1, durability });
    } catch (error) {
      return report({ failed: `${does.kind} ${at}: ${error.code}: ${error.message}` });
    }
  }
}

/** Sends what is reported; what comes while a request is under way goes with the next. */
export function reporter() {
  let waiting = [];
  let sending = false;
  const send = async () => {
    sending = true;
    while (waiting.length > 0) {
      const body = JSON.stringify(waiting);
      waiting = [];
      await fetch("/reports", { method: "POST", body });
    }
    sending = false;
  };
  return (fact) => {
    waiting.push(fact);
    if (!sending) void send();
  };
}
