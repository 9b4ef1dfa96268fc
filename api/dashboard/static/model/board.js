/** The signals on show: each scanner's list, what is gone from it, and how it is told apart. */

/** @import {Signal, Scanner, Scan, Health} from "../lib/types.js" */
import { ask, get } from "../lib/http.js";
import { SCANNERS } from "../lib/types.js";

const PAGE = 100;
const SHOWN_EACH = 500; // signals
const FRESH_SECONDS = 4;

/**
 * @typedef {object} Slot
 * @property {string | null} session null: never scanned
 * @property {string | null} as_of
 * @property {boolean} preliminary
 * @property {Signal[]} signals
 * @property {Signal[]} gone
 * @property {"loading" | "more" | "ready" | "failed"} state
 * @property {Error | null} error
 * @property {string | null} updated
 * @property {Scan | null} scan what its newest run counted
 */

/** @returns {Slot} */
function emptySlot() {
  return {
    session: null,
    as_of: null,
    preliminary: false,
    signals: [],
    gone: [],
    state: "loading",
    error: null,
    updated: null,
    scan: null,
  };
}

/** Fires `change` with the scanner's name as detail. */
export class Board extends EventTarget {
  constructor() {
    super();
    this.slots = /** @type {Record<Scanner, Slot>} */ (
      Object.fromEntries(SCANNERS.map((name) => [name, emptySlot()]))
    );
    /** @type {string | null} A session chosen by the user; null: the newest. */
    this.session = null;
    /** @type {Map<number, number>} When a signal came in live, by its id. */
    this.fresh = new Map();
    /** @type {Record<string, AbortController>} */
    this.asking = {};
    this.started = false;
  }

  /** Whether nothing at all has arrived yet. */
  get isLoading() {
    return SCANNERS.every((name) => this.slots[name].state === "loading");
  }

  /** @param {string | null} session */
  show(session) {
    if (session === this.session) return;
    this.session = session;
    for (const name of SCANNERS) this.slots[name] = emptySlot();
    if (this.started) void this.load();
  }

  /** Ask for every scanner anew; what is on show stays until the answer is here. */
  async load() {
    this.started = true;
    await Promise.all(SCANNERS.map((name) => this.#load(name)));
  }

  /**
   * A `signal_update`: the whole list as it is now.
   * @param {any} data
   * @returns {boolean} whether it is on show
   */
  update(data) {
    /** @type {Scanner} */
    const name = data.signal_type;
    const slot = this.slots[name];
    if (!slot || (this.session !== null && data.session !== this.session)) return false;
    const there = `${slot.session} ${slot.as_of}`;
    const here = `${data.session} ${data.as_of}`;
    if (slot.session !== null && here < there) return false;
    this.#stopAsking(name);
    this.#markFresh(slot, data.signals);
    const known = here === there ? slot.gone : [];
    this.slots[name] = {
      ...slot,
      session: data.session,
      as_of: data.as_of,
      preliminary: data.signals[0]?.preliminary ?? slot.preliminary,
      signals: data.signals,
      gone: known,
      state: data.next ? "more" : "ready",
      error: null,
      updated: data.timestamp,
    };
    this.#changed(name);
    void this.#complete(name, data.next);
    return true;
  }

  /** @param {Scanner} name */
  async #load(name) {
    const asking = this.#stopAsking(name);
    const session = this.session ? `&session=${this.session}` : "";
    const path = `/api/kr/signals?signal_type=${name}&limit=${PAGE}${session}`;
    try {
      const first = await ask(path, asking);
      const signals = unchanged(this.slots[name].signals, first.data);
      const known = this.slots[name].signals;
      const scan = signals.length ? null : await this.#newestScan(name, asking);
      const one = signals[0] ?? (scan?.status === "completed" ? scan : null);
      this.slots[name] = {
        ...this.slots[name],
        session: one?.session ?? null,
        as_of: one?.as_of ?? null,
        preliminary: one?.preliminary ?? false,
        signals,
        state: first.next ? "more" : "ready",
        error: null,
        updated: one?.created_at ?? null,
        scan,
      };
      this.#changed(name);
      await this.#complete(name, first.next, known);
    } catch (error) {
      if (asking.signal.aborted) return;
      this.#put(name, { state: "failed", error: /** @type {Error} */ (error) });
    }
  }

  /**
   * Why there is nothing: the run whose list is empty, or the one that failed.
   * @param {Scanner} name
   * @param {RequestInit} asking
   * @returns {Promise<Scan | null>}
   */
  async #newestScan(name, asking) {
    let session = this.session;
    if (session === null) {
      /** @type {Health} */
      const health = await get("/health", asking);
      session = health.checks.last_scan[name]?.session ?? null;
    }
    const of = session ? `&session=${session}` : "";
    const runs = await get(`/api/kr/scans?scanner=${name}&limit=1${of}`, asking);
    return runs[0] ?? null;
  }

  /**
   * The pages after the first, and what is gone.
   * @param {Scanner} name
   * @param {string | null} next
   * @param {Signal[]} [known] what was on show before
   */
  async #complete(name, next, known = []) {
    const asking = this.#stopAsking(name);
    try {
      const gone = this.#gone(name, asking);
      gone.catch(() => null); // heard of below, unless something else fails first
      let signals = this.slots[name].signals;
      while (next) {
        const page = await ask(next, asking);
        signals = [...signals, ...unchanged(known, page.data)];
        next = page.next;
        if (next && signals.length % SHOWN_EACH) continue; // drawing costs more than asking
        this.#put(name, { signals, state: next ? "more" : "ready" });
      }
      const scan = signals.length ? null : await this.#newestScan(name, asking);
      const preliminary = scan?.preliminary ?? this.slots[name].preliminary;
      this.#put(name, { gone: await gone, scan, preliminary, state: "ready" });
    } catch (error) {
      if (!asking.signal.aborted) {
        this.#put(name, { state: "failed", error: /** @type {Error} */ (error) });
      }
    }
  }

  /** @param {Scanner} name @param {RequestInit} asking @returns {Promise<Signal[]>} */
  async #gone(name, asking) {
    const { session, as_of } = this.slots[name];
    if (session === null) return [];
    const query = new URLSearchParams({ signal_type: name, session, as_of: as_of ?? "close" });
    return get(`/api/kr/signals/gone?${query}`, asking);
  }

  /** @param {Scanner} name @param {Partial<Slot>} change */
  #put(name, change) {
    this.slots[name] = { ...this.slots[name], ...change };
    this.#changed(name);
  }

  /** A new try makes the one before it void. @param {Scanner} name */
  #stopAsking(name) {
    this.asking[name]?.abort();
    this.asking[name] = new AbortController();
    return this.asking[name];
  }

  /** @param {Slot} slot @param {Signal[]} signals */
  #markFresh(slot, signals) {
    const before = new Map(slot.signals.map((one) => [one.id, JSON.stringify(one)]));
    const now = performance.now();
    for (const [id, since] of this.fresh) {
      if (now - since > FRESH_SECONDS * 1000) this.fresh.delete(id);
    }
    for (const signal of signals) {
      if (before.get(signal.id) !== JSON.stringify(signal)) this.fresh.set(signal.id, now);
    }
  }

  /** @param {Scanner} name */
  #changed(name) {
    this.dispatchEvent(new CustomEvent("change", { detail: name }));
  }
}

/**
 * Signals as they are now; those that are as they were stay the same objects, so that nobody draws
 * them anew.
 * @param {Signal[]} before
 * @param {Signal[]} now
 */
function unchanged(before, now) {
  const known = new Map(before.map((one) => [one.id, one]));
  return now.map((one) => {
    const was = known.get(one.id);
    return was && JSON.stringify(was) === JSON.stringify(one) ? was : one;
  });
}
