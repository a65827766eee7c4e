import { svg } from "./dom.ts";

/** Strokes on a 24 × 24 grid. */
const strokes = {
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM20 20l-4-4",
  pin: "M12 21s7-6.2 7-11.5A7 7 0 0 0 5 9.5C5 14.8 12 21 12 21zM12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  note: "M6 3.5h9l4 4v13H6zM14.5 3.5v4.5H19M9 12.5h7M9 16h5",
  key: "M8 11a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM11.3 12.2 20 3.5M16 7.5l3 3M13.5 10l2 2",
  cloud: "M7 18.5h10.5a4 4 0 0 0 .6-7.95A6 6 0 0 0 6.6 9.6 4.5 4.5 0 0 0 7 18.5z",
  cloudOff: "M4 4l16 16M9.2 5.7a6 6 0 0 1 8.9 4.85 4 4 0 0 1 2.7 6M17 18.5H7a4.5 4.5 0 0 1-.4-8.9",
  send: "M12 19V6M6.5 11 12 5.5 17.5 11",
  check: "M5 12.5l4.5 4.5L19 7.5",
  alert: "M12 4 2.8 20h18.4zM12 10v4.5M12 17.2v.3",
  lock: "M6 10.5h12v9.5H6zM8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5M12 14.5v2",
  unlock: "M6 10.5h12v9.5H6zM8.5 10.5V7.5a3.5 3.5 0 0 1 6.7-1.4M12 14.5v2",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z",
  trash: "M4.5 6.5h15M9.5 6V4h5v2M6.5 6.5l1 14h9l1-14M10 10.5v6M14 10.5v6",
  pencil: "M4.5 19.5l1-4.5L16 4.5l3.5 3.5L9 18.5zM14 6.5l3.5 3.5",
  back: "M10.5 5.5 4 12l6.5 6.5M4.5 12H20",
  close: "M6 6l12 12M18 6 6 18",
  repeat: "M4.5 11a7.5 7.5 0 0 1 13.6-3.4L20 9.5M20 4.5v5h-5M19.5 13a7.5 7.5 0 0 1-13.6 3.4L4 14.5M4 19.5v-5h5",
  fork: "M12 20.5v-6L6 8.5v-5M12 14.5l6-6v-5M3.5 6 6 3.5 8.5 6M15.5 6 18 3.5 20.5 6",
  down: "M12 4v12M6.5 11 12 16.5 17.5 11M4.5 20h15",
  device: "M5.5 5.5h13v9h-13zM3 18.5h18M9.5 18.5l.6-1.2h3.8l.6 1.2",
  passkey: "M9.5 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20c0-3.7 2.7-6 6.5-6 1.3 0 2.4.3 3.4.8M18 10.5a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4zM18 15.9V21M18 18.6h2",
  globe: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM3.5 12h17M12 3.5c-5 5-5 12 0 17M12 3.5c5 5 5 12 0 17",
} as const;

export type IconName = keyof typeof strokes;

/** A decorative icon: what it means must also be said in text. */
export function icon(name: IconName): SVGSVGElement {
  const path = svg("path", { d: strokes[name] });
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, path);
}
