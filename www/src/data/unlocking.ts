import { passkeySupport } from "tidekeep";

let asked: Promise<boolean> | undefined;

/** Whether it makes sense to offer a passkey here. */
export function passkeysWork(): Promise<boolean> {
  asked ??= passkeySupport().then((support) => support !== "no");
  return asked;
}

const systems = ["Android", "iPhone", "iPad", "Windows", "Mac", "CrOS", "Linux"];

/** What someone would call this browser, in a list of several. */
export function deviceLabel(): string {
  const system = systems.find((name) => navigator.userAgent.includes(name));
  return system === undefined ? "this browser" : system.replace("CrOS", "Chromebook");
}
