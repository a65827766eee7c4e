// Which of the tabs and workers of an origin sends: who holds a lock, and answers when it is asked whether it lives.

/** How long to wait before the one that leads is asked, milliseconds; as much again by chance, so that one asks for all. */
const ASK = 2000;
/** How long it may take to answer: handlers of messages run in pages that nobody sees, but not in a frozen one. */
const PATIENCE = 3000;

/**
 * Calls `onLeads` with true when we lead, with false when we no longer do: because another took over from us while we stood
 * still, or because it is seen and we are not. Gives a function that ends it. Where there are no locks, everybody leads.
 */
export function lead(name, onLeads) {
  const scope = globalThis;
  const page = scope.document;
  const locks = scope.navigator?.locks;
  if (typeof locks?.request !== "function") {
    onLeads(true);
    return () => {};
  }
  const me = `${Date.now()}.${Math.random()}`;
  const channel = typeof scope.BroadcastChannel === "function" ? new BroadcastChannel(`${name}:lead`) : undefined;
  channel?.unref?.(); // Node would wait for it
  // A service worker is seen by nobody; other workers stand for a page, and cannot tell.
  const seen = () => (page ? page.visibilityState !== "hidden" : !scope.registration);
  const say = (what) => channel?.postMessage({ from: me, ...what });
  let turn; // what is asked for or held: { abort, release? }
  let timer;
  let asked = false; // and no answer yet
  let ended = false;
  let still = false; // the page is frozen, or about to be put aside

  const wait = (ms, then) => {
    asked = then !== ask;
    clearTimeout(timer);
    timer = setTimeout(then, ms);
    timer.unref?.();
  };
  const askLater = () => wait(ASK + Math.random() * ASK, ask);
  function ask() {
    if (ended || still || !turn || turn.release) return;
    say({ ask: true, seen: seen() });
    wait(PATIENCE, () => request(true));
  }

  function request(steal) {
    clearTimeout(timer);
    turn?.abort.abort();
    const own = (turn = { abort: new AbortController() });
    const held = () =>
      new Promise((release) => {
        if (own !== turn) return release();
        own.release = release;
        clearTimeout(timer);
        // Whoever waits hears that it can go on waiting.
        say({ here: true });
        onLeads(true);
      });
    // A request that steals cannot be called off, and is granted at once.
    const options = steal ? { steal: true } : { signal: own.abort.signal };
    locks.request(name, options, held).catch((error) => {
      if (ended || own !== turn) return;
      if (own.release) {
        // Another has taken over.
        own.release = undefined;
        onLeads(false);
        request(false);
      } else if (error?.name !== "AbortError") {
        // Locks are not allowed here; two senders at once are safe.
        onLeads(true);
      }
    });
    if (!steal && channel) askLater();
  }

  /** Answers whether we led. */
  function letGo() {
    const before = turn;
    turn = undefined;
    clearTimeout(timer);
    before?.abort.abort();
    before?.release?.();
    return before?.release !== undefined;
  }

  if (channel) {
    channel.onmessage = ({ data }) => {
      const leads = turn?.release !== undefined;
      if (data?.ask && leads) {
        say(data.seen && !seen() ? { take: data.from } : { here: true });
      } else if (turn && !leads && data?.take === me) {
        request(true);
      } else if (turn && !leads && (data?.here || !asked || data?.from < me)) {
        // Somebody leads, or another asks: one that asks is enough. Of two that ask at once, it is the lesser.
        askLater();
      }
    };
  }
  let led = false;
  const stop = () => {
    // Told now, the store would read how sync stands, and stand still in that transaction: every other tab would wait.
    still = true;
    led = letGo() || led;
  };
  const go = () => {
    if (!still) return;
    still = false;
    if (led) onLeads(false);
    led = false;
    request(false);
  };
  const listeners = [
    [page, "freeze", stop],
    [page, "resume", go],
    [scope, "pagehide", (event) => { if (event.persisted) stop(); }],
    [scope, "pageshow", (event) => { if (event.persisted) go(); }],
    // A tab that is seen need not wait to ask.
    [page, "visibilitychange", () => { if (seen()) ask(); }],
  ];
  for (const [where, type, listener] of page ? listeners : []) where.addEventListener(type, listener);
  request(false);
  return () => {
    ended = true;
    letGo();
    channel?.close();
    for (const [where, type, listener] of page ? listeners : []) where.removeEventListener(type, listener);
  };
}
