const numbers = new Intl.NumberFormat("en");
const regions = new Intl.DisplayNames("en", { type: "region" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const dates = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
const moments = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const clocks = new Intl.DateTimeFormat("en", { timeStyle: "medium" });
const sizes = ["B", "KB", "MB", "GB", "TB"];

export const number = (value: number): string => numbers.format(value);
export const moment = (time: number | Date): string => moments.format(time);
export const clock = (time: number | Date): string => clocks.format(time);
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`;

/** "FR" → "France". */
export function countryName(code: string): string {
  try {
    return regions.of(code) ?? code;
  } catch {
    return code;
  }
}

/** "45.7485° N, 4.8467° E" */
export function coordinates(lat: number, lng: number): string {
  const part = (value: number, positive: string, negative: string) =>
    `${Math.abs(value).toFixed(4)}° ${value < 0 ? negative : positive}`;
  return `${part(lat, "N", "S")}, ${part(lng, "E", "W")}`;
}

/** "just now", "4 minutes ago", "yesterday", and the date once a week has passed. */
export function ago(time: number, now = Date.now()): string {
  const minutes = Math.round((time - now) / 60_000);
  if (minutes >= 0) return "just now";
  if (minutes > -60) return relative.format(minutes, "minute");
  if (minutes > -24 * 60) return relative.format(Math.round(minutes / 60), "hour");
  const days = Math.round(minutes / (24 * 60));
  return days > -7 ? relative.format(days, "day") : dates.format(time);
}

export function bytes(value: number): string {
  const step = value < 1 ? 0 : Math.min(sizes.length - 1, Math.floor(Math.log10(value) / 3));
  return `${(value / 1000 ** step).toFixed(step > 1 ? 1 : 0)} ${sizes[step] ?? ""}`;
}
