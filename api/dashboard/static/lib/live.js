/** The WebSocket: one connection that comes back by itself and goes on where it was cut. */

/** @typedef {"connecting" | "live" | "waiting" | "offline" | "refused"} Connection */

const FIRST_DELAY = 400;
const LONGEST_DELAY = 15_000;
const SILENCE = 75_000; // the server pings every 30 s
const NO_RIGHT = 1008;

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
    /** @type {WebSocket | null} */
    this.socket = null;
    this.failures = 0;
    this.timer = 0;
    this.watch = 0;
    addEventListener("online", () => this.start());
    addEventListener("offline", () => this.#lost("offline"));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.state === "waiting") this.start();
    });
  }

  /** Connect now, whatever was planned. */
  start() {
    clearTimeout(this.timer);
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return;
    this.#become(this.failures ? "waiting" : "connecting");
    const address = new URL("/ws", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("subscribe", [...this.topics].join(","));
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
   * Topics from now on, besides those there were.
   * @param {string[]} topics
   */
  subscribe(topics) {
    this.#tell("subscribe", topics.filter((topic) => !this.topics.has(topic)));
    for (const topic of topics) this.topics.add(topic);
  }

  /** @param {string[]} topics */
  unsubscribe(topics) {
    this.#tell("unsubscribe", topics.filter((topic) => this.topics.delete(topic)));
  }

  /** @param {string} type @param {string[]} topics */
  #tell(type, topics) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    for (const topic of topics) this.socket.send(JSON.stringify({ type, topic }));
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
      if (fresh) this.dispatchEvent(new Event("resync"));
    } else if (said.type === "error" && said.code === "event_gone") {
      this.dispatchEvent(new Event("resync"));
    } else if (said.type === "error" && said.code === "unauthorized") {
      this.#lost("refused");
    } else {
      if (typeof said.event_id === "number") this.seen = said.event_id;
      this.dispatchEvent(new CustomEvent("message", { detail: said }));
    }
  }

  /** A server that doesn't even ping is gone, whatever the socket says. */
  #listen() {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.#lost("waiting"), SILENCE);
  }

  /** @param {Connection} state */
  #lost(state) {
    clearTimeout(this.watch);
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.failures += 1;
    this.#become(navigator.onLine ? state : "offline");
    if (this.state !== "waiting") return;
    const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** Math.min(this.failures, 8));
    this.timer = setTimeout(() => this.start(), longest * (0.5 + Math.random() / 2));
  }

  /** @param {Connection} state */
  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
