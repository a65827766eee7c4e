/** The medians as a picture: for each work, every engine's time as a multiple of bare IndexedDB's, on a scale of powers. */

const ROW = 26;
const LEFT = 370;
const WIDTH = 560;
const SHADES = { tidekeep: "#0b7285", idb: "#868e96", dexie: "#e8590c", rxdb: "#d6336c", pouchdb: "#5f3dc4", localforage: "#2b8a3e", "idb-keyval": "#a0740b" };

export function chart(works, engines, facts, timings) {
  const shownEngines = engines.filter((engine) => engine !== "raw");
  const [low, high] = [-2, 3];
  const across = (ratio) => LEFT + ((Math.min(Math.max(Math.log10(ratio), low), high) - low) / (high - low)) * WIDTH;
  const height = works.length * ROW + 90;
  const lines = [];
  for (let power = low; power <= high; power += 1) {
    const x = across(10 ** power);
    lines.push(`<line x1="${x}" x2="${x}" y1="48" y2="${height - 34}" stroke="${power === 0 ? "#495057" : "#dee2e6"}"/>`);
    lines.push(`<text x="${x}" y="${height - 16}" text-anchor="middle">${power === 0 ? "bare" : `×${10 ** power}`}</text>`);
  }
  shownEngines.forEach((engine, at) => {
    const x = 20 + at * 122;
    lines.push(`<circle cx="${x}" cy="20" r="5" fill="${SHADES[engine]}"/><text x="${x + 10}" y="24">${facts[engine].title.replace(/ \(.*/, "")}</text>`);
  });
  works.forEach(([work, title], at) => {
    const y = 62 + at * ROW;
    lines.push(`<text x="${LEFT - 14}" y="${y + 4}" text-anchor="end">${title}</text>`);
    for (const engine of [...shownEngines].reverse()) {
      const ratio = timings.ratio(engine, work);
      if (ratio) {
        lines.push(`<circle cx="${across(ratio).toFixed(1)}" cy="${y}" r="${engine === "tidekeep" ? 6 : 4.5}" fill="${SHADES[engine]}" fill-opacity="0.85"/>`);
      }
    }
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 30} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#212529"><rect width="100%" height="100%" fill="#ffffff"/>${lines.join("\n")}</svg>\n`;
}
