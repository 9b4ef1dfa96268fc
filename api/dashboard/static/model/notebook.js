/** The watch list and what the user took: kept in this browser, never sent anywhere. */

/** @import {Trade, Watched, Scanner} from "../lib/types.js" */
import { SCANNERS } from "../lib/types.js";

const KEY = "closebell.notebook";
const TICKER = /^[0-9A-Z]{6}$/;
const DAY = /^\d{4}-\d\d-\d\d$/;
const MOST = 1000;

export class Notebook extends EventTarget {
  constructor() {
    super();
    /** @type {Watched[]} */
    this.stocks = [];
    /** @type {Trade[]} */
    this.trades = [];
    this.#load();
    addEventListener("storage", (event) => {
      if (event.key !== KEY) return;
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
    this.stocks = this.watches(stock.ticker)
      ? this.stocks.filter((one) => one.ticker !== stock.ticker)
      : [...this.stocks, { ticker: stock.ticker, name: stock.name }];
    return this.#save();
  }

  /** @param {Trade} trade */
  take(trade) {
    this.trades = [trade, ...this.trades.filter((one) => one.id !== trade.id)];
    return this.#save();
  }

  /** @param {string} id */
  drop(id) {
    this.trades = this.trades.filter((trade) => trade.id !== id);
    return this.#save();
  }

  /** The whole notebook as a file's text. */
  exported() {
    return JSON.stringify(
      { closebell: "notebook", version: 1, stocks: this.stocks, trades: this.trades },
      null,
      2,
    );
  }

  /**
   * Add what a file holds; the same stock or trade isn't doubled.
   * @param {string} text
   * @throws {Error} it is no notebook; nothing is taken over
   */
  import(text) {
    const { stocks, trades } = parse(text);
    const known = new Set(this.stocks.map((stock) => stock.ticker));
    this.stocks = [...this.stocks, ...stocks.filter((stock) => !known.has(stock.ticker))];
    const ids = new Set(trades.map((trade) => trade.id));
    this.trades = [...trades, ...this.trades.filter((trade) => !ids.has(trade.id))];
    this.#save();
    return { stocks: stocks.length, trades: trades.length };
  }

  #load() {
    try {
      const text = localStorage.getItem(KEY);
      const found = text ? parse(text) : { stocks: [], trades: [] };
      this.stocks = found.stocks;
      this.trades = found.trades;
    } catch {
      this.stocks = [];
      this.trades = [];
    }
  }

  /** Whether it could be kept. */
  #save() {
    let kept = true;
    try {
      localStorage.setItem(KEY, this.exported());
    } catch {
      kept = false;
    }
    this.dispatchEvent(new Event("change"));
    return kept;
  }
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
  if (!Array.isArray(value) || value.length > MOST) throw new Error("stocks, trades");
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
    id: text(one.id, crypto.randomUUID()),
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
