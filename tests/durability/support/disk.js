import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import "../../e2e/support/children.js"; // What runs on a disk is killed before the disk goes.

// A disk that can lose its power. What a program writes goes through four places:
//
//   the page cache of the inner file system → inner.img, a file of the outer file system → its page cache → outer.img
//
// Only what is in outer.img has reached the platters. A write of the inner file system gets there when it asks its
// device to flush, as it does for fsync: the loop device then syncs inner.img. So the page cache of the outer file
// system is the cache of a disk, lost with its power, and a copy of outer.img without a sync is what a power cut leaves.

const OUTER = "224M";
const INNER = "160M";
const folders = [];
const mounted = [];

process.on("exit", () => {
  while (mounted.length > 0) run("umount", "--lazy", mounted.pop());
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Why there can be no such disk here, if there cannot. */
export function impossible() {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    return "mounting a disk takes root on Linux";
  }
  if (!existsSync("/dev/loop-control")) {
    return "this machine has no loop devices";
  }
  try {
    const disk = makeDisk();
    disk.discard();
    return undefined;
  } catch (error) {
    return `a disk cannot be mounted here: ${error.message}`;
  }
}

/** A new, empty disk, mounted. */
export function makeDisk() {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "tidekeep-disk-"));
  folders.push(folder);
  const image = join(folder, "outer.img");
  must("truncate", "-s", OUTER, image);
  must("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", image);
  const outer = mountAt(image, join(folder, "outer"));
  const inner = join(outer, "inner.img");
  // Written as a whole, so that the outer file system has nothing to remember of later writes but their bytes.
  must("dd", "if=/dev/zero", `of=${inner}`, `bs=${INNER}`, "count=1", "status=none");
  must("mkfs.ext4", "-q", "-m", "0", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", inner);
  must("sync", "--file-system", outer);
  return mountedDisk(folder, image, outer);
}

function mountedDisk(folder, image, outer) {
  const inner = mountAt(join(outer, "inner.img"), join(folder, "inner"));
  const discard = () => {
    for (const place of [inner, outer]) {
      run("umount", "--lazy", place);
      mounted.splice(mounted.indexOf(place), 1);
    }
    rmSync(folder, { recursive: true, force: true });
    folders.splice(folders.indexOf(folder), 1);
  };
  return {
    /** Where a program may write. */
    folder: inner,
    discard,
    /**
     * Cuts the power: gives the disk as it would be found afterwards. The programs that write to this one must have been
     * stopped; it is of no more use.
     *
     * @param {() => Promise<void>} kill Ends those programs.
     */
    async cut(kill) {
      const next = mkdtempSync(join(folder, "..", "tidekeep-disk-"));
      folders.push(next);
      const copy = join(next, "outer.img");
      await copyAtOneMoment(image, outer, copy);
      await kill();
      discard();
      return mountedDisk(next, copy, mountAt(copy, join(next, "outer")));
    },
  };
}

/** Copies an image so that the kernel has written nothing to it meanwhile. */
async function copyAtOneMoment(image, outer, copy) {
  const device = must("findmnt", "--noheadings", "--output", "SOURCE", outer).trim();
  const statistics = () => readFileSync(`/sys/block/${basename(device)}/stat`, "utf8").trim().split(/\s+/).map(Number);
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const before = statistics();
    must("cp", "--sparse=always", "--reflink=never", image, copy);
    const after = statistics();
    // The fifth column counts writes, the ninth is how many requests are under way.
    if (before[4] === after[4] && before[8] === 0 && after[8] === 0) {
      return;
    }
    await sleep(20);
  }
  throw new Error("the disk was written to all the time");
}

/** Stops every process of a group, so that none runs any more when this returns. */
export async function freeze(group) {
  process.kill(-group, "SIGSTOP");
  const running = () =>
    readdirSync("/proc").some((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        const [state, , processGroup] = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
        return Number(processGroup) === group && !"TZX".includes(state);
      } catch {
        return false; // It has just ended.
      }
    });
  for (let attempt = 0; running(); attempt += 1) {
    if (attempt > 2000) throw new Error("a process does not stop");
    await sleep(1);
  }
}

function mountAt(image, folder) {
  mkdirSync(folder, { recursive: true });
  must("mount", "--options", "loop", image, folder);
  mounted.push(folder);
  return folder;
}

function run(program, ...words) {
  return spawnSync(program, words, { encoding: "utf8" });
}

function must(program, ...words) {
  const { status, stdout, stderr, error } = run(program, ...words);
  if (status !== 0) {
    throw new Error(`${program} ${words.join(" ")}: ${error?.message ?? stderr.trim()}`);
  }
  return stdout;
}
