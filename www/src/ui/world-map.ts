import { rows } from "virtual:world";
import { svg } from "./dom.ts";

export interface Point {
  lat: number;
  lng: number;
}

/** Nobody lives beyond these. */
const north = 80;
const south = -57;
const widths: Readonly<Record<string, number>> = { ".": 0.34, o: 0.52, O: 0.74 };

const x = (lng: number) => lng + 180;
const y = (lat: number) => 90 - lat;

/** The world in dots, each a square of `step` degrees that holds a place; `mark` puts pins on it. */
export function worldMap(label: string, step: 1 | 2): { element: SVGSVGElement; mark(points: readonly Point[]): void } {
  const marks = svg("g", { class: "marks" });
  const viewBox = `0 ${y(north)} 360 ${north - south}`;
  const element = svg("svg", { class: "map", viewBox, role: "img", "aria-label": label }, ...land(step), marks);
  return {
    element,
    mark: (points) => marks.replaceChildren(...points.map((point) => pin(point, 2.6))),
  };
}

const land = (step: 1 | 2) =>
  Object.entries(widths).map(([dot, width]) =>
    svg("path", { class: "dots", d: dotsOf(dot, step), "stroke-width": width * step }),
  );

/** The surroundings of one point, with a pin on it. */
export function locatorMap(point: Point, label: string): SVGSVGElement {
  const [width, height] = [76, 24];
  const left = x(point.lng) - width / 2;
  const top = y(point.lat) - height / 2;
  const viewBox = `${left} ${top} ${width} ${height}`;
  return svg(
    "svg",
    { class: "map locator", viewBox, preserveAspectRatio: "xMidYMid slice", role: "img", "aria-label": label },
    ...land(1),
    pin(point, 0.8),
  );
}

function pin({ lat, lng }: Point, radius: number): SVGGElement {
  const at = { cx: x(lng), cy: y(lat) };
  return svg(
    "g",
    { class: "pin" },
    svg("circle", { ...at, r: radius * 2.4, class: "halo" }),
    svg("circle", { ...at, r: radius }),
  );
}

const drawn = new Map<string, string>();

/** One path for all dots of a density: a point is a line of no length with a round end. */
function dotsOf(dot: string, step: 1 | 2): string {
  const key = `${dot}${step}`;
  const known = drawn.get(key);
  if (known !== undefined) return known;
  let path = "";
  for (let row = 0; row < rows.length; row += step) {
    for (let column = 0; column < 360; column += step) {
      if (densest(row, column, step) === dot) path += `M${column + step / 2} ${row + step / 2}h0`;
    }
  }
  drawn.set(key, path);
  return path;
}

function densest(row: number, column: number, step: number): string {
  let best = " ";
  for (let r = row; r < row + step; r++) {
    const line = (rows[r] ?? "").slice(column, column + step);
    for (const dot of line) if ((widths[dot] ?? 0) > (widths[best] ?? 0)) best = dot;
  }
  return best;
}
