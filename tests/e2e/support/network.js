import { createServer, connect } from "node:net";

/** Random numbers from a seed (mulberry32), so that a run can be had again. */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, below: (end) => Math.floor(next() * end), pick: (list) => list[Math.floor(next() * list.length)] };
}

/**
 * A network between a client and a server: bytes go through as they are, until something is wrong with it.
 *
 * What can be wrong: `cut` (connections end, and new ones are refused), `stalled` (connections stay, and nothing arrives,
 * in either direction or in one: `stalled up`, `stalled down`), `slow` (every piece is late by up to `late` milliseconds).
 * `hurt` counts what met that: connections that were cut or refused, pieces that were held up.
 */
export async function network(t, target) {
  const { hostname, port } = new URL(target);
  const open = new Set();
  const network = { address: "", state: "well", late: 0, hurt: 0, heal: () => set("well"), set };
  const waiting = new Set();

  function set(state, late = 0) {
    Object.assign(network, { state, late });
    if (state === "cut") {
      network.hurt += open.size;
      for (const socket of open) socket.resetAndDestroy();
    }
    for (const go of [...waiting]) go();
  }

  /** Waits as long as nothing gets through in this direction. */
  const held = (direction) => network.state === "stalled" || network.state === `stalled ${direction}`;
  const passable = (direction) =>
    new Promise((resolve) => {
      const go = () => {
        if (held(direction)) return;
        waiting.delete(go);
        resolve();
      };
      if (held(direction)) network.hurt += 1;
      waiting.add(go);
      go();
    });

  async function carry(from, to, direction) {
    try {
      for await (const piece of from) {
        await passable(direction);
        if (network.late > 0) network.hurt += 1;
        if (network.late > 0) await new Promise((resolve) => setTimeout(resolve, network.late * Math.random()));
        if (to.destroyed) return;
        if (!to.write(piece)) await new Promise((resolve) => to.once("drain", resolve).once("close", resolve));
      }
      await passable(direction);
      to.end();
    } catch {
      to.destroy();
    }
  }

  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (network.state === "cut") return void (network.hurt++, near.resetAndDestroy());
    const far = connect({ host: hostname, port, allowHalfOpen: true });
    for (const [socket, other] of [[near, far], [far, near]]) {
      open.add(socket);
      socket.on("error", () => other.destroy()).once("close", () => (open.delete(socket), other.destroy()));
    }
    carry(near, far, "up");
    carry(far, near, "down");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  network.address = `http://127.0.0.1:${server.address().port}`;
  t.after(() => {
    server.close();
    for (const socket of open) socket.destroy();
    set("well");
  });
  return network;
}
