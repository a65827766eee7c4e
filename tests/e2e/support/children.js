import { spawn } from "node:child_process";

/** The programs that run now, by their process. */
const running = new Set();

process.on("exit", () => running.forEach(kill));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  // A test run that is stopped leaves nothing behind.
  process.once(signal, () => process.exit(1));
}

/**
 * Starts a program in a process group of its own, so that no part of it survives its kill, nor ours.
 *
 * @param {import("node:child_process").StdioOptions} stdio
 */
export function launch(program, words, stdio, env = process.env) {
  const child = spawn(program, words, { detached: true, stdio, env });
  running.add(child);
  let gone = false;
  const closed = new Promise((resolve) => child.once("close", resolve).once("error", resolve)).finally(() => {
    gone = true;
    running.delete(child);
  });
  return {
    child,
    /** When it has ended. */
    closed,
    gone: () => gone,
    /** Kills it with all that it started, at once, and waits until it is gone. */
    async kill() {
      if (!gone) {
        kill(child);
      }
      await closed;
    },
  };
}

function kill({ pid }) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}
