import type { Session } from "./writer.ts";

export type { Session };

const key = { space: "fieldbook.space", user: "fieldbook.user", offline: "fieldbook.offline" };
export const namePattern = "[A-Za-z0-9][A-Za-z0-9_\\-]{0,39}";
const valid = new RegExp(`^${namePattern}$`);

/** From the address (`?space=…&user=…`), else as last time, else "demo" and "traveller". */
export function openSession(address: URL): Session {
  const read = (name: "space" | "user", fallback: string) => {
    const wanted = [address.searchParams.get(name), localStorage.getItem(key[name])];
    const value = wanted.find((candidate) => candidate !== null && valid.test(candidate)) ?? fallback;
    localStorage.setItem(key[name], value);
    return value;
  };
  return { space: read("space", "demo"), user: read("user", "traveller") };
}

/** Remembers the session and starts the app again in it. */
export function switchSession({ space, user }: Session): void {
  const address = new URL("/", location.href);
  address.searchParams.set("space", space);
  address.searchParams.set("user", user);
  location.assign(address);
}

/** Whether the user chose to work offline, kept over restarts. */
export const offline = {
  get: (): boolean => localStorage.getItem(key.offline) === "yes",
  set: (on: boolean): void => (on ? localStorage.setItem(key.offline, "yes") : localStorage.removeItem(key.offline)),
};
