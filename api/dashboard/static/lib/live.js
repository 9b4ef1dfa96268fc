/** The WebSocket: one connection that comes back by itself and goes on where it was cut. */

/** @typedef {"connecting" | "live" | "waiting" | "offline" | "refused"} Connection */

const FIRST_DELAY = 400;
const LONGEST_DELAY = 15_000;
const SILENCE = 75_000; // the server pings every 30 s
const NO_RIGHT = 1008;
const MOST_FRAMES = 40; // in a window; the server hangs up at 60
const WINDOW = 10_000;

/**
 * Fires `state`, `resync` (what was loaded before may be behind) and `message` events.
 * Every event is given on once, in order, also those that happened while it was away.
 */
export class Live extends EventTarget {
  /** @param {string[]} topics */
  constructor(topics) {
    super();
    /** @type {Connection} */
    this.state = "connecting";
    /** @type {number | null} The last event seen. */
    this.seen = null;
    /** @type {Set<string>} */
    this.topics = new Set(topics);
    /** @type {Set<string>} What this connection was asked for. */
    this.asked = new Set();
    this.frames = 0;
    this.windowAt = 0;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.failures = 0;
    this.timer = 0;
    this.watch = 0;
    addEventListener("online", () => this.state !== "refused" && this.start());
    addEventListener("offline", () => this.state !== "refused" && this.#lost("waiting"));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.state !== "refused") this.start();
    });
  }

  /** Connect now, whatever was planned. */
  start() {
    clearTimeout(this.timer);
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return;
    this.#become(this.failures ? away() : "connecting");
    this.asked = new Set(this.topics);
    const address = new URL("/ws", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("subscribe", [...this.asked].join(","));
    if (this.seen !== null) address.searchParams.set("last_event_id", String(this.seen));
    const socket = new WebSocket(address);
    this.socket = socket;
    this.#listen();
    socket.onmessage = (frame) => socket === this.socket && this.#hear(JSON.parse(frame.data));
    socket.onclose = (end) => {
      if (socket === this.socket) this.#lost(end.code === NO_RIGHT ? "refused" : "waiting");
    };
  }

  /** Hang up until the next start. */
  stop() {
    this.#lost("refused");
  }

  /**
   * Follow these topics from now on besides those there were, and give up some.
   * @param {string[]} topics
   * @param {string[]} [given]
   */
  follow(topics, given = []) {
    for (const topic of given) this.topics.delete(topic);
    for (const topic of topics) this.topics.add(topic);
    this.#ask();
  }

  /** Tell the server what changed; where that is much, by a connection that begins with it. */
  #ask() {
    if (this.state !== "live") return; // it is told once it has greeted
    const more = [...this.topics].filter((topic) => !this.asked.has(topic));
    const less = [...this.asked].filter((topic) => !this.topics.has(topic));
    if (Date.now() - this.windowAt > WINDOW) [this.windowAt, this.frames] = [Date.now(), 0];
    this.frames += more.length + less.length;
    if (this.frames > MOST_FRAMES) return this.#again();
    for (const topic of more) this.#tell("subscribe", topic);
    for (const topic of less) this.#tell("unsubscribe", topic);
    this.asked = new Set(this.topics);
  }

  #again() {
    const socket = this.socket;
    this.socket = null;
    this.frames = 0;
    socket?.close();
    this.start();
  }

  /** @param {string} type @param {string} topic */
  #tell(type, topic) {
    this.socket?.send(JSON.stringify({ type, topic }));
  }

  /** @param {any} said */
  #hear(said) {
    this.#listen();
    if (said.type === "ping") {
      this.socket?.send('{"type":"pong"}');
    } else if (said.type === "connected") {
      const fresh = this.seen === null;
      this.seen = said.last_event_id;
      this.failures = 0;
      this.#become("live");
      this.#ask();
      if (fresh) this.dispatchEvent(new Event("resync"));
    } else if (said.type === "error" && said.code === "event_gone") {
      this.dispatchEvent(new Event("resync"));
    } else if (said.type !== "error") {
      if (typeof said.event_id === "number") this.seen = said.event_id;
      this.dispatchEvent(new CustomEvent("message", { detail: said }));
    }
  }

  /** A server that doesn't even ping is gone, whatever the socket says. */
  #listen() {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.#lost("waiting"), SILENCE);
  }

  /** @param {"waiting" | "refused"} state */
  #lost(state) {
    clearTimeout(this.watch);
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.failures += 1;
    this.#become(state === "waiting" ? away() : state);
    if (state === "refused") return;
    const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** Math.min(this.failures, 8));
    this.timer = setTimeout(() => this.start(), longest * (0.5 + Math.random() / 2));
  }

  /** @param {Connection} state */
  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

/** Only what is said: a server on this machine or next door can be reached without a network. */
function away() {
  return navigator.onLine ? "waiting" : "offline";
}
