/** Puts the page together: the frame, the page we are at, and what keeps both up to date. */

import { h, refill } from "./lib/dom.js";
import { door } from "./lib/http.js";
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
import { loginPage } from "./views/login.js";
import { performancePage } from "./views/performance.js";
import { scansPage } from "./views/scans.js";
import { signalsPage } from "./views/signals.js";
import { stockPage } from "./views/stock.js";
import { watchPage } from "./views/watch.js";

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

/** @type {Record<string, PageMaker>} */
const PAGES = {
  signals: signalsPage,
  stock: stockPage,
  watch: watchPage,
  performance: performancePage,
  scans: scansPage,
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
  if (locked) {
    page = loginPage(root, unlock);
  } else if (Object.hasOwn(PAGES, name)) {
    page = PAGES[name](app, root, argument, query);
  } else {
    refill(root, h("p", { class: "empty" }, t("page.unknown")));
  }
  if (before !== shown) scrollTo({ top: places[shown] ?? 0 });
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
  resynced = true;
});
app.live.addEventListener("state", () => {
  if (app.live.state === "refused") lock();
});
door.addEventListener("closed", lock);
app.prefs.addEventListener("change", show);
addEventListener("hashchange", show);
addEventListener("pageshow", (event) => event.persisted && app.live.start());
listenToKeys(app, (key) => page.press?.(key) ?? false, () => {
  if (here().page !== "signals") location.hash = address("signals");
});

app.live.start();
show(); // first, since the address says which session to load
load();
