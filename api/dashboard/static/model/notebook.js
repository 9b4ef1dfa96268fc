/** The watch list and what the user took: kept in this browser, never sent anywhere. */

/** @import {Trade, Watched, Scanner} from "../lib/types.js" */
import { SCANNERS } from "../lib/types.js";

const KEY = "closebell.notebook";
const UNREAD = `${KEY}.unread`;
const TICKER = /^[0-9A-Z]{6}$/;
const DAY = /^\d{4}-\d\d-\d\d$/;
const MOST = 1000; // of each: what fits into a browser's storage with room to spare

/** @typedef {"watch.many" | "watch.full" | "watch.locked"} Refusal why nothing was changed */

/** Fires `change`: of what it holds, or of what it says (`refusal`, `unread`). */
export class Notebook extends EventTarget {
  constructor() {
    super();
    /** @type {Watched[]} */
    this.stocks = [];
    /** @type {Trade[]} */
    this.trades = [];
    /** @type {Refusal | null} Of the last change that was asked for. */
    this.refusal = null;
    /** @type {{key: string, text: string} | null} What was kept once and can't be read. */
    this.unread = null;
    /** Whether what can't be read still stands where the notebook is kept. */
    this.locked = false;
    this.#load();
    addEventListener("storage", (event) => {
      if (event.key !== KEY && event.key !== UNREAD) return;
      this.#load();
      this.dispatchEvent(new Event("change"));
    });
  }

  /** @param {string} ticker */
  watches(ticker) {
    return this.stocks.some((stock) => stock.ticker === ticker);
  }

  /** Watch it, or stop. @param {Watched} stock */
  toggle(stock) {
    const stocks = this.watches(stock.ticker)
      ? this.stocks.filter((one) => one.ticker !== stock.ticker)
      : [...this.stocks, { ticker: stock.ticker, name: stock.name }];
    return this.#change(stocks, this.trades);
  }

  /** @param {Trade} trade */
  take(trade) {
    return this.#change(this.stocks, [trade, ...this.trades.filter((one) => one.id !== trade.id)]);
  }

  /** @param {string} id */
  drop(id) {
    return this.#change(this.stocks, this.trades.filter((trade) => trade.id !== id));
  }

  /** Give up what can't be read. */
  forget() {
    if (this.unread) localStorage.removeItem(this.unread.key);
    this.#load();
    this.dispatchEvent(new Event("change"));
  }

  /** The whole notebook as a file's text. */
  exported() {
    return written(this.stocks, this.trades);
  }

  /**
   * Add what a file holds; the same stock or trade isn't doubled. `refusal` says why it wasn't added.
   * @param {string} text
   * @throws {Error} it is no notebook; nothing is taken over
   */
  import(text) {
    const { stocks, trades } = parse(text);
    const known = new Set(this.stocks.map((stock) => stock.ticker));
    const ids = new Set(trades.map((trade) => trade.id));
    this.#change(
      [...this.stocks, ...stocks.filter((stock) => !known.has(stock.ticker))],
      [...trades, ...this.trades.filter((trade) => !ids.has(trade.id))],
    );
    return { stocks: stocks.length, trades: trades.length };
  }

  #load() {
    try {
      const unread = localStorage.getItem(UNREAD);
      this.unread = unread === null ? null : { key: UNREAD, text: unread };
      const text = localStorage.getItem(KEY);
      this.locked = false;
      const found = text ? this.#read(text) : { stocks: [], trades: [] };
      this.stocks = found.stocks;
      this.trades = found.trades;
    } catch {
      this.stocks = []; // closed storage
      this.trades = [];
    }
  }

  /** What was kept; what can't be read is put aside, so that nothing is ever saved over it. @param {string} text */
  #read(text) {
    try {
      return parse(text);
    } catch {
      this.unread ??= this.#putAside(text);
      this.locked = localStorage.getItem(KEY) !== null;
      return { stocks: [], trades: [] };
    }
  }

  /** @param {string} text */
  #putAside(text) {
    try {
      localStorage.setItem(UNREAD, text);
      localStorage.removeItem(KEY);
      return { key: UNREAD, text };
    } catch {
      return { key: KEY, text }; // no room for it twice: it stays where it is
    }
  }

  /**
   * Keep these from now on, or leave everything as it is.
   * @param {Watched[]} stocks
   * @param {Trade[]} trades
   * @returns {Refusal | null}
   */
  #change(stocks, trades) {
    this.refusal = this.#kept(stocks, trades);
    if (!this.refusal) Object.assign(this, { stocks, trades });
    this.dispatchEvent(new Event("change"));
    return this.refusal;
  }

  /** @param {Watched[]} stocks @param {Trade[]} trades @returns {Refusal | null} */
  #kept(stocks, trades) {
    const added = stocks.length > this.stocks.length || trades.length > this.trades.length;
    if (added && Math.max(stocks.length, trades.length) > MOST) return "watch.many";
    try {
      if (this.locked) return "watch.locked";
      localStorage.setItem(KEY, written(stocks, trades));
      return null;
    } catch {
      return "watch.full";
    }
  }
}

/** @param {Watched[]} stocks @param {Trade[]} trades */
function written(stocks, trades) {
  return JSON.stringify({ closebell: "notebook", version: 1, stocks, trades }, null, 2);
}

/**
 * A notebook out of a file, every field looked at.
 * @param {string} text
 * @returns {{stocks: Watched[], trades: Trade[]}}
 */
function parse(text) {
  const found = JSON.parse(text);
  if (found?.closebell !== "notebook" || found.version !== 1) throw new Error("closebell, version");
  const stocks = list(found.stocks).map((one, n) => watched(one, `stocks[${n}]`));
  const trades = list(found.trades).map((one, n) => trade(one, `trades[${n}]`));
  return { stocks: [...new Map(stocks.map((one) => [one.ticker, one])).values()], trades };
}

/** @param {unknown} value @returns {any[]} */
function list(value) {
  if (!Array.isArray(value)) throw new Error("stocks, trades");
  return value;
}

/** @param {any} one @param {string} where @returns {Watched} */
function watched(one, where) {
  if (!TICKER.test(one?.ticker)) throw new Error(`${where}.ticker`);
  return { ticker: one.ticker, name: text(one.name, one.ticker) };
}

/** @param {any} one @param {string} where @returns {Trade} */
function trade(one, where) {
  const { price, shares, stop, exit, scanner } = one ?? {};
  if (!TICKER.test(one?.ticker)) throw new Error(`${where}.ticker`);
  if (!positive(price)) throw new Error(`${where}.price`);
  if (!positive(shares)) throw new Error(`${where}.shares`);
  if (stop !== null && !positive(stop)) throw new Error(`${where}.stop`);
  if (!DAY.test(one.session)) throw new Error(`${where}.session`);
  if (exit !== null && !DAY.test(exit)) throw new Error(`${where}.exit`);
  return {
    id: text(one.id, "") || newId(),
    ticker: one.ticker,
    name: text(one.name, one.ticker),
    scanner: SCANNERS.includes(/** @type {Scanner} */ (scanner)) ? scanner : null,
    session: one.session,
    price,
    shares,
    stop,
    exit,
    note: text(one.note, ""),
  };
}

/** @param {unknown} value */
function positive(value) {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

/** @param {unknown} value @param {string} otherwise */
function text(value, otherwise) {
  return typeof value === "string" && value ? value.slice(0, 200) : otherwise;
}

/** A name for a trade. `crypto.randomUUID` exists only where the page came by https or from here. */
export function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
}
