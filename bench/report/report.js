/** docs/benchmarks.md, from what was measured. */

import { operations } from "../works/growth.js";
import { limits, targets } from "./targets.js";
import { shown } from "./timings.js";

export function report({ facts, works, own, engines, counts, rounds, results, machine }) {
  const parts = [
    `# Benchmarks

The same work in tidekeep, in bare IndexedDB as somebody writes it who knows it well, and in the libraries that applications use. \`cargo xtask bench\` writes this file; \`bench/works/works.js\` says what each work is, and \`bench/engines/\` how each engine does it. Each engine does all works in a page of its own, the engines in turns, ${rounds === 1 ? "1 round" : `${rounds} rounds`} in one run of the browser; times are medians in milliseconds. Less is better. Timings of another machine are others; compare columns, not with elsewhere. What an engine answers is checked.

Measured on ${machine}. ${Object.values(facts).flatMap(({ versions }) => versions).join(", ")}.

localForage and idb-keyval have no indexes: what asks for one reads everything, as an application would have to. PouchDB brings its indexes up to date at the first query that asks them, which is in no median here: some ten seconds for these. tidekeep's cache is on, as \`cache: {}\` has it; the store is opened anew before the first reads.`,
  ];
  for (const [place, { version, timings, growth }] of Object.entries(results)) {
    parts.push(`## ${place[0].toUpperCase()}${place.slice(1)}\n\n${version}\n\n![Each engine's time as a multiple of bare IndexedDB's](benchmarks-${place}.svg)`);
    parts.push(table(facts, works, engines, timings[0]));
    parts.push(`### tidekeep beside bare IndexedDB, twice\n\n${twice(works, timings)}`);
    parts.push(`### What only tidekeep does, twice\n\nMilliseconds. A blueprint is a document of 20 KB; p95 is the 95th percentile, of 40 turns or fewer.\n\n${alone(own, timings)}`);
    parts.push(`### As documents grow in number\n\nBare IndexedDB / tidekeep, milliseconds; of what is done again and again, the median of 25.\n\n${grows(counts, growth)}`);
    if (place === "chromium") {
      parts.push(`### Targets\n\n${aims(timings)}`);
      parts.push(`### Rows in which others are ahead\n\n${behind(facts, works, engines, timings[0])}`);
    }
  }
  parts.push(`## What an application downloads\n\nEach engine with what the works above need of it, bundled and minified, tidekeep with its WebAssembly.\n\n${sizes(facts, engines)}`);
  return `${parts.join("\n\n")}\n`;
}

function table(facts, works, engines, timings) {
  const rows = works.map(([work, title]) => [title, ...engines.map((engine) => shown(timings.of(engine, work)?.median))]);
  return markdown([["", ...engines.map((engine) => facts[engine].title)], ...rows]);
}

function twice(works, [first, second]) {
  const rows = works.filter(([work]) => first.ratio("tidekeep", work)).map(([work, title]) => {
    const [one, other] = [first, second].map((timings) => timings.ratio("tidekeep", work));
    const { least, greatest } = first.of("tidekeep", work);
    const task = first.longestTask("tidekeep", work);
    const apart = (100 * Math.abs(one - other)) / one;
    return [title, `${shown(least)} to ${shown(greatest)}`, `${one.toFixed(2)} ×`, `${other.toFixed(2)} ×`, `${apart.toFixed(0)} %`, task ? task.toFixed(0) : "below 50"];
  });
  return markdown([["", "spread, ms", "first run", "second run", "apart", "longest task, ms"], ...rows]);
}

function alone(own, timings) {
  const rows = own.map(([work, title]) => {
    const most = limits[work];
    const [first, second] = timings.map((of) => of.of("tidekeep", work)?.median);
    const task = timings[0].longestTask("tidekeep", work);
    return [title, shown(first), shown(second), most ? `${most}` : "", task ? task.toFixed(0) : "below 50"];
  });
  return markdown([["", "first run", "second run", "at most", "longest task, ms"], ...rows]);
}

function grows(counts, growth) {
  const rows = Object.entries(operations).map(([operation, title]) => [
    title,
    ...growth.map(({ raw, tidekeep }) => `${shown(raw[operation])} / ${shown(tidekeep[operation])}`),
  ]);
  return markdown([["", ...counts.map((count) => count.toLocaleString("en").replaceAll(",", " "))], ...rows]);
}

function aims(timings) {
  const rows = targets.map(([what, measured, most]) => {
    const ratios = timings.map(measured);
    const met = ratios.every((ratio) => ratio <= most);
    return [what, `${most} ×`, ratios.map((ratio) => `${ratio.toFixed(2)} ×`).join(", "), met ? "yes" : "no"];
  });
  return markdown([["", "at most", "measured", "met"], ...rows]);
}

function behind(facts, works, engines, timings) {
  const rows = [];
  for (const [work, title] of works) {
    const mine = timings.of("tidekeep", work)?.median;
    const ahead = engines.filter((engine) => !["raw", "tidekeep"].includes(engine) && timings.of(engine, work)?.median < mine);
    if (ahead.length > 0) {
      const told = ahead.map((engine) => {
        const ratio = timings.ratio("tidekeep", work, engine);
        return `${facts[engine].title} (${Number.isFinite(ratio) ? `${ratio.toFixed(2)} × its time` : "which answers from memory"})`;
      });
      rows.push([title, told.join(", ")]);
    }
  }
  return rows.length > 0 ? markdown([["", "ahead of tidekeep"], ...rows]) : "None.";
}

function sizes(facts, engines) {
  const rows = engines.map((engine) => {
    const { title, size } = facts[engine];
    return [title, (size.gzip / 1000).toFixed(1), (size.brotli / 1000).toFixed(1)];
  });
  return markdown([["", "gzip, KB", "brotli, KB"], ...rows]);
}

function markdown([head, ...rows]) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, at) => (at === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}
