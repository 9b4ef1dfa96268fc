/** The market gate, its past, the hours and how fresh everything is. */

/** @import {Gate, Timetable, Health, Trade} from "../lib/types.js" */
import { number, stamp } from "../lib/format.js";
import { get, maybe } from "../lib/http.js";

const HISTORY = 60; // sessions
const HEALTH_SECONDS = 60;

/** Fires `change`, and `tick` each second. */
export class Market extends EventTarget {
  constructor() {
    super();
    /** @type {Gate | null} null: never computed */
    this.gate = null;
    /** @type {Gate[]} newest first */
    this.history = [];
    /** @type {Timetable | null} */
    this.timetable = null;
    /** @type {Health | null} */
    this.health = null;
    /** @type {"loading" | "ready" | "failed"} */
    this.state = "loading";
    /** @type {Error | null} */
    this.error = null;
    /** Server's clock less ours, milliseconds. */
    this.skew = 0;
    /** @type {number | null} When something last came from the server, by our clock. */
    this.heard = null;
    this.healthAt = 0;
    this.turning = false;
    setInterval(() => this.#tick(), 1000);
  }

  /** The server's time now, milliseconds. */
  get now() {
    return Date.now() + this.skew;
  }

  async load() {
    try {
      const [gate, history] = await Promise.all([
        maybe("/api/kr/market-gate"),
        get(`/api/kr/market-gate/history?limit=${HISTORY}`),
        this.#hours(),
        this.checkHealth(),
      ]);
      Object.assign(this, { gate, history, state: "ready", error: null });
    } catch (error) {
      this.state = this.gate ? "ready" : "failed";
      this.error = /** @type {Error} */ (error);
    }
    this.#changed();
  }

  /** A `market_gate_update`. @param {Gate} gate */
  update(gate) {
    if (this.gate && gate.session < this.gate.session) return;
    this.gate = gate;
    this.history = [gate, ...this.history.filter((one) => one.session !== gate.session)];
    this.state = "ready";
    this.#changed();
  }

  /** The day in Seoul. */
  get today() {
    return stamp(new Date(this.now).toISOString()).slice(0, 10);
  }

  /** The session after one; null where the timetable doesn't reach. @param {string} session */
  after(session) {
    const { sessions = [] } = this.timetable ?? {};
    if (!sessions.length || session < sessions[0]) return null;
    return sessions.find((one) => one > session) ?? null;
  }

  /**
   * When a closing bet is to be sold, and how far off that is; null for anything else.
   * @param {Trade} trade
   * @returns {{session: string | null, when: "today" | "later" | "over"} | null}
   */
  exitOf(trade) {
    if (trade.scanner !== "closing_bet" || !this.timetable) return null;
    const session = trade.exit ?? this.after(trade.session);
    const { today } = this;
    if (session === null) return trade.session < today ? { session, when: "over" } : null;
    return { session, when: session === today ? "today" : session > today ? "later" : "over" };
  }

  /** What a round trip costs, for the words that say it; dashes until it is known. */
  get costs() {
    const { round_trip_pct: cost = null, slippage_ticks: ticks = null } = this.timetable ?? {};
    return { cost: number(cost, 2), ticks: number(ticks, Number.isInteger(ticks) ? 0 : 1) };
  }

  async checkHealth() {
    this.healthAt = Date.now();
    try {
      const answer = await fetch("/health"); // 503 tells of its health too
      const said = await answer.json();
      if (!said.checks) return; // a problem: it tells of no health
      this.health = said;
      this.heard = Date.now();
    } catch {
      return; // the connection's state says it already
    }
    this.#changed();
  }

  async #hours() {
    const asked = Date.now();
    /** @type {Timetable} */
    const timetable = await get("/api/kr/timetable");
    this.skew = Date.parse(timetable.now) - (asked + Date.now()) / 2;
    this.timetable = timetable;
    this.heard = Date.now();
  }

  #tick() {
    if (document.hidden) return;
    if (Date.now() - this.healthAt > HEALTH_SECONDS * 1000) void this.checkHealth();
    if (this.timetable && !this.turning && this.now >= this.#nextTurn(this.timetable)) {
      this.turning = true;
      this.#hours()
        .then(() => this.#changed())
        .catch(() => null)
        .finally(() => setTimeout(() => (this.turning = false), 5000));
    }
    this.dispatchEvent(new Event("tick"));
  }

  /** When what the timetable says is no longer so. @param {Timetable} timetable */
  #nextTurn(timetable) {
    const first = timetable.next[0]?.at ?? timetable.next_opens_at;
    const turn = timetable.open ? timetable.closes_at : timetable.next_opens_at;
    return Math.min(Date.parse(first), Date.parse(turn));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
