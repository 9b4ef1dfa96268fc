/** What surrounds every page: navigation, market state, connection, settings, banners. */

/** @import {App} from "../app.js" */
import { h, refill, s } from "../lib/dom.js";
import { clock, span, stamp } from "../lib/format.js";
import { address } from "../lib/route.js";
import { t, word } from "../lib/words.js";
import { openKeys } from "./keys.js";
import { Search } from "./search.js";
import { openSettings } from "./settings.js";

const KEYBOARD = "M3 7h18v10H3z M7 10h.01 M11 10h.01 M15 10h.01 M18 10h.01 M8 14h8";
const SLIDERS = "M4 7h9 M17 7h3 M4 17h3 M11 17h9 M15 5v4 M9 15v4";
const NAVIGATION = /** @type {const} */ (["signals", "watch", "performance", "scans"]);

export class Frame {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.page = "";
    this.header = h("header", { class: "top" });
    this.banners = h("div", { class: "banners", role: "status" });
    this.footer = h("footer", { class: "foot" });
    this.told = h("p", { class: "hidden", role: "status", "aria-live": "polite" });
    this.connection = h("span", { class: "live", id: "connection" });
    this.hours = h("div", { class: "hours" });
    this.search = new Search(app);
    app.live.addEventListener("state", () => this.#connection());
    app.market.addEventListener("change", () => this.#hours());
    app.market.addEventListener("tick", () => this.#hours());
    app.market.addEventListener("change", () => this.#banners());
    app.board.addEventListener("change", () => this.#banners());
    app.notebook.addEventListener("change", () => this.#banners());
    app.prefs.addEventListener("change", () => this.at(this.page));
  }

  /** Draw it for a page. @param {string} page */
  at(page) {
    this.page = page;
    document.title = `${word("nav", page)} · closebell`;
    const links = NAVIGATION.map((name) =>
      h("a", { href: address(name), "aria-current": name === page && "page" }, t(`nav.${name}`)),
    );
    refill(
      this.header,
      h("a", { class: "skip", href: "#content", onclick: skip }, t("nav.skip")),
      h("a", { class: "brand", href: address("signals") }, "closebell"),
      h("nav", { "aria-label": t("nav.main") }, links),
      this.search.draw(),
      this.hours,
      this.connection,
      button(KEYBOARD, t("action.keys"), openKeys, "keyboard"),
      button(SLIDERS, t("action.settings"), () => openSettings(this.app)),
    );
    refill(this.footer, h("span", {}, t("app.private")), this.told);
    this.#connection();
    this.#hours();
    this.#banners();
  }

  /** Say something to those who listen rather than look. @param {string} text */
  announce(text) {
    this.told.textContent = text;
  }

  #connection() {
    const { state, seen } = this.app.live;
    this.connection.dataset.state = state;
    this.connection.dataset.seen = String(seen ?? "");
    this.connection.title = t(`live.title.${state}`);
    refill(this.connection, h("i", { "aria-hidden": "true" }), t(`live.${state}`));
    this.#banners();
  }

  #hours() {
    const { timetable, now } = this.app.market;
    this.connection.dataset.seen = String(this.app.live.seen ?? "");
    if (!timetable) return;
    const { open, closes_at, next_opens_at, closed_today, note } = timetable;
    const left = Date.parse(open ? closes_at : next_opens_at) - now;
    const next = timetable.next.find((run) => Date.parse(run.at) > now);
    this.hours.dataset.open = String(open);
    const told = closed_today ? t("market.holiday", { why: closed_today }) : note;
    refill(
      this.hours,
      h("strong", {}, t(open ? "market.open" : "market.closed")),
      h("span", { class: "count" }, t(open ? "market.closes" : "market.opens", { time: span(left) })),
      h("span", { class: "next" },
        told && h("span", { class: "told" }, told),
        next &&
          h("span", {}, t("market.next", {
            flow: word("flow", next.flow),
            at: clock(next.at),
            time: span(Date.parse(next.at) - now),
          })),
      ),
    );
  }

  #banners() {
    const { live, market, board, notebook } = this.app;
    const found = [];
    const toWatch = h("a", { href: address("watch") }, t("nav.watch"));
    if (this.page !== "watch") {
      const due = notebook.trades.filter((trade) => ["today", "over"].includes(market.exitOf(trade)?.when ?? ""));
      const names = [...new Set(due.map((trade) => trade.name))].join(", ");
      if (due.length) found.push(h("p", { class: "warn" }, t("banner.exit", { names }), " ", toWatch));
      else if (notebook.unread) found.push(h("p", { class: "warn" }, t("watch.unread"), " ", toWatch));
    }
    if (notebook.refusal) found.push(h("p", { class: "warn" }, t(notebook.refusal)));
    const away = live.state === "offline" || (live.state === "waiting" && live.failures > 1);
    if (away && market.heard) {
      const at = stamp(new Date(market.heard).toISOString());
      found.push(h("p", { class: "warn" }, t("banner.offline", { at })));
    }
    const stale = Object.entries(market.health?.checks.last_scan ?? {}).filter(([, scan]) => scan.stale);
    for (const session of new Set(stale.map(([, scan]) => scan.session))) {
      const behind = stale.filter(([, scan]) => scan.session === session);
      const scanner = behind.map(([name]) => word("scanner", name)).join(", ");
      const values = { scanner, session: session ?? "", n: behind[0][1].sessions_behind };
      found.push(h("p", { class: "warn" }, t(session ? "banner.stale" : "banner.never", values)));
    }
    if (board.session && this.page === "signals") {
      found.push(
        h("p", {}, t("banner.pinned", { session: board.session }), " ",
          h("a", { href: address("signals") }, t("banner.newest"))),
      );
    }
    const text = found.map((one) => one.textContent).join();
    if (this.banners.dataset.text === text) return;
    this.banners.dataset.text = text;
    refill(this.banners, found);
  }
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

/** @param {string} drawing @param {string} label @param {() => void} act @param {string} [kind] */
function button(drawing, label, act, kind = "") {
  return h("button", { type: "button", class: `icon ${kind}`, "aria-label": label, title: label, onclick: act },
    s("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, s("path", { d: drawing })));
}
