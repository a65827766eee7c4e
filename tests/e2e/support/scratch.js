import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for the time of one test. */
export async function scratch(t) {
  const folder = await mkdtemp(join(tmpdir(), "tidekeep-e2e-"));
  // A process that was killed may still be letting go of its files.
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  return folder;
}
