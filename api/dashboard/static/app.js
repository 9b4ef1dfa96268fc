/** Puts the page together: the frame, the page we are at, and what keeps both up to date. */

import { h, redraw, refill } from "./lib/dom.js";
import { Problem, door } from "./lib/http.js";
import { Live } from "./lib/live.js";
import { address, here } from "./lib/route.js";
import { t } from "./lib/words.js";
import { Board } from "./model/board.js";
import { Market } from "./model/market.js";
import { Notebook } from "./model/notebook.js";
import { Prefs } from "./model/prefs.js";
import { SCANNERS } from "./lib/types.js";
import { Frame } from "./views/frame.js";
import { listenToKeys } from "./views/keys.js";
import { failure } from "./views/problem.js";
import { signalsPage } from "./views/signals.js";

/**
 * What every page works with.
 * @typedef {object} App
 * @property {Prefs} prefs
 * @property {Board} board
 * @property {Market} market
 * @property {Notebook} notebook
 * @property {Live} live
 * @property {Frame} frame
 *
 * A page shows itself in `root` and gives back how to leave it.
 * @typedef {object} Page
 * @property {() => void} [leave]
 * @property {(key: string) => boolean} [press] whether it did something with the key
 *
 * @typedef {(app: App, root: HTMLElement, argument: string, query: URLSearchParams) => Page} PageMaker
 */

/** Pages that the first view does without. @type {Record<string, () => Promise<PageMaker>>} */
const LATER = {
  stock: async () => (await import("./views/stock.js")).stockPage,
  watch: async () => (await import("./views/watch.js")).watchPage,
  performance: async () => (await import("./views/performance.js")).performancePage,
  scans: async () => (await import("./views/scans.js")).scansPage,
};
const AFTER_START = 1000; // milliseconds
const TOPICS = [...SCANNERS.map((name) => `signal:${name}`), "market-gate", "scan"];

const root = h("main", { id: "content", tabindex: "-1" });
/** @type {App} */
const app = {
  prefs: new Prefs(),
  board: new Board(),
  market: new Market(),
  notebook: new Notebook(),
  live: new Live(TOPICS),
  frame: /** @type {any} */ (null),
};
app.frame = new Frame(app);
/** @type {Page} */
let page = {};
let locked = false;
let resynced = false;
/** @type {Record<string, number>} */
const places = {};
let shown = "";
let turn = 0;

function show() {
  const { page: name, argument, query } = here();
  page.leave?.();
  page = {};
  const before = shown;
  shown = `${name}/${argument}`;
  if (before && before !== shown) places[before] = scrollY;
  refill(document.body, app.frame.header, app.frame.banners, root, app.frame.footer);
  root.replaceChildren();
  app.frame.at(name);
  turn += 1;
  const place = before === shown ? null : (places[shown] ?? 0);
  if (locked) {
    void enter(async () => {
      const { loginPage } = await import("./views/login.js");
      return () => loginPage(root, unlock);
    }, argument, query, place);
  } else if (name === "signals") {
    page = signalsPage(app, root, argument, query);
    if (place !== null) scrollTo({ top: place });
  } else if (Object.hasOwn(LATER, name)) {
    void enter(LATER[name], argument, query, place);
  } else {
    refill(root, h("p", { class: "empty" }, t("page.unknown")));
  }
}

/**
 * Show a page whose modules may still have to come.
 * @param {() => Promise<PageMaker>} getMaker
 * @param {string} argument
 * @param {URLSearchParams} query
 * @param {number | null} place where to scroll to
 */
async function enter(getMaker, argument, query, place) {
  const mine = turn;
  const maker = await getMaker().catch(() => null);
  if (mine !== turn) return;
  if (maker === null) return refill(root, failure(new Problem(0, ""), () => location.reload()));
  page = maker(app, root, argument, query);
  if (place !== null) scrollTo({ top: place });
}

function load() {
  void app.board.load();
  void app.market.load();
}

function lock() {
  if (locked) return;
  locked = true;
  app.live.stop();
  show();
}

function unlock() {
  locked = false;
  app.live.start();
  load();
  show();
}

/** @param {any} said */
function hear(said) {
  if (said.type === "signal_update" && app.board.update(said.data)) {
    const { signal_type, new: added, changed, withdrawn } = said.data;
    app.frame.announce(
      t("live.updated", {
        scanner: t(/** @type {any} */ (`scanner.${signal_type}`)),
        new: added ?? 0,
        changed: changed ?? 0,
        gone: withdrawn ?? 0,
      }),
    );
  }
  if (said.type === "market_gate_update") app.market.update(said.data);
  if (said.type === "scan_update") {
    load(); // a back-fill may have changed anything
  }
  if (said.type === "scan_update" || said.type === "signal_update") void app.market.checkHealth();
}

app.live.addEventListener("message", (event) => hear(/** @type {CustomEvent} */ (event).detail));
app.live.addEventListener("resync", () => {
  // The first time all was just asked for; what was committed since then is a rare thing.
  setTimeout(load, resynced ? 0 : AFTER_START);
  if (!resynced) setTimeout(() => Object.values(LATER).map((get) => get().catch(() => null)), AFTER_START);
  resynced = true;
});
app.live.addEventListener("state", () => {
  if (app.live.state === "refused") lock();
});
door.addEventListener("closed", lock);
app.prefs.addEventListener("change", () => redraw(root, show));
addEventListener("hashchange", show);
addEventListener("pageshow", (event) => event.persisted && app.live.start());
listenToKeys(app, (key) => page.press?.(key) ?? false, () => {
  if (here().page !== "signals") location.hash = address("signals");
});

app.live.start();
show(); // first, since the address says which session to load
load();
