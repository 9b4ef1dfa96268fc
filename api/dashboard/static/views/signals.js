/** The first view: the market beside today's signals, each scanner under its own heading. */

/** @import {App, Page} from "../app.js" */
/** @import {Scanner, Signal} from "../lib/types.js" */
/** @import {Row} from "../lib/virtual.js" */
/** @import {View, Sort} from "../model/view.js" */
import { download, h, refill } from "../lib/dom.js";
import { VirtualList } from "../lib/virtual.js";
import { replaceQuery } from "../lib/route.js";
import { t } from "../lib/words.js";
import { SCANNERS } from "../lib/types.js";
import { arrange, read, write } from "../model/view.js";
import { drawFreshness } from "./freshness.js";
import { drawGate } from "./gate.js";
import { emptyRow, groupHeading, table } from "./groups.js";
import { signalRow } from "./row.js";
import { openTake } from "./take.js";
import { toolbar } from "./toolbar.js";

const HEADING = 56;
const NARROW = "(max-width: 760px)";

/** @type {import("../app.js").PageMaker} */
export function signalsPage(app, root, _argument, query) {
  const shown = new SignalsView(app, root, read(query));
  return { leave: () => shown.leave(), press: (key) => shown.press(key) };
}

class SignalsView {
  /** @param {App} app @param {HTMLElement} root @param {View} view */
  constructor(app, root, view) {
    this.app = app;
    this.view = view;
    this.gate = h("section", { class: "panel gate", "aria-labelledby": "gate-title" });
    this.fresh = h("section", { class: "panel", "aria-labelledby": "fresh-title" });
    this.tools = h("div", { class: "toolbox" });
    this.body = h("div", { role: "rowgroup", class: "rows" });
    this.heading = h("h1", { class: "hidden" }, t("nav.signals"));
    /** Rows stay the same object while nothing of them changes. @type {Map<string, Row>} */
    this.rows = new Map();
    this.stop = new AbortController();
    this.narrow = matchMedia(NARROW);
    /** @type {Signal[]} */
    this.order = [];
    this.planned = 0;
    this.cost = app.market.costs.cost;
    refill(root,
      h("div", { class: "board" },
        h("aside", { class: "side" }, this.gate, this.fresh),
        h("section", { class: "list", "aria-label": t("list.label") },
          this.heading,
          this.tools,
          table(view, this.body, (sort) => this.sortBy(sort)),
        ),
      ),
    );
    this.list = new VirtualList(this.body);
    const { signal } = this.stop;
    app.board.addEventListener("change", () => this.draw(), { signal });
    app.market.addEventListener("change", () => this.drawSide(), { signal });
    app.notebook.addEventListener("change", () => this.redraw(), { signal });
    this.narrow.addEventListener("change", () => this.redraw(), { signal });
    app.board.show(view.session);
    this.drawSide();
    this.draw();
  }

  leave() {
    this.stop.abort();
    this.list.close();
  }

  /** @param {Partial<View>} change */
  set(change) {
    this.view = { ...this.view, ...change };
    replaceQuery(write(this.view));
    if (change.session !== undefined) {
      this.app.board.show(change.session);
      this.app.frame.at("signals");
    }
    this.draw();
  }

  /** @param {Sort} sort */
  sortBy(sort) {
    const again = sort === this.view.sort;
    this.set({ sort, rising: again ? !this.view.rising : sort === "name" });
  }

  drawSide() {
    const { cost } = this.app.market.costs;
    if (cost !== this.cost) {
      this.cost = cost;
      this.draw();
    }
    drawGate(this.app, this.gate);
    drawFreshness(this.app, this.fresh);
    if (this.app.market.history.length && !this.hasSessions) {
      this.hasSessions = true;
      this.drawTools();
    }
  }

  /** All rows anew, since what they are drawn from isn't in their data. */
  redraw() {
    this.rows.clear();
    this.draw();
  }

  draw() {
    this.drawTools();
    const chosen = this.view.scanner ? [this.view.scanner] : SCANNERS;
    this.order = [];
    this.list.show(chosen.flatMap((name) => this.group(name)));
    this.body.closest("[role=table]")?.setAttribute("aria-rowcount", String(this.list.rows.length + 1));
  }

  /** @param {Scanner} name @returns {Row[]} */
  group(name) {
    const slot = this.app.board.slots[name];
    const found = arrange(slot.signals, this.view);
    this.order.push(...found);
    const set = (/** @type {Partial<View>} */ change) => this.set(change);
    const wrapped = name === "closing_bet" ? 66 : 26; // its heading has another line
    const height = this.narrow.matches ? HEADING + wrapped : HEADING;
    const { session, as_of, state, signals } = slot;
    const { costs } = this.app.market;
    const told = [session, as_of, state, signals.length, found.length, slot.gone.length, costs.cost];
    const rows = [
      {
        key: `heading ${name}`,
        height,
        data: [...told, this.view.gone, slot.updated].join(),
        draw: () => groupHeading(name, slot, found.length, this.view, set, costs),
      },
    ];
    if (!found.length) {
      const again = () => void this.app.board.load();
      const draw = () => emptyRow(name, slot, this.view, { set, again });
      return [...rows, { key: `empty ${name}`, height: 132, data: {}, draw }];
    }
    const gone = this.view.gone ? slot.gone : [];
    return [
      ...rows,
      ...found.map((signal) => this.row(signal, false)),
      ...gone.map((signal) => this.row(signal, true)),
    ];
  }

  /** @param {Signal} signal @param {boolean} gone @returns {Row} */
  row(signal, gone) {
    const key = `${gone ? "gone " : ""}${signal.signal_type} ${signal.ticker}`;
    const known = this.rows.get(key);
    if (known?.data === signal) return known;
    const row = {
      key,
      height: this.narrow.matches ? 92 : 38,
      data: signal,
      draw: () => signalRow(this.app, signal, { gone, fresh: this.app.board.fresh.has(signal.id) }),
    };
    this.rows.set(key, row);
    return row;
  }

  drawTools() {
    const active = document.activeElement;
    if (active?.id === "filter") return; // being typed in: what it shows is right already
    const place = controls(this.tools).findIndex((one) => one === active);
    const set = (/** @type {Partial<View>} */ change) => this.set(change);
    refill(this.tools, toolbar(this.app, this.view, { set, save: () => this.save() }));
    if (place >= 0) controls(this.tools)[place]?.focus();
  }

  /** @param {string} key */
  press(key) {
    const scanner = { 1: null, 2: SCANNERS[0], 3: SCANNERS[1], 4: SCANNERS[2] }[key];
    if (scanner !== undefined) this.set({ scanner });
    else if (key === "j" || key === "ArrowDown") this.move(1);
    else if (key === "k" || key === "ArrowUp") this.move(-1);
    else if (key === "e") this.save();
    else if (key === "s" && this.current) this.current.querySelector("button")?.click();
    else if (key === "t" && this.current) this.take();
    else return false;
    return true;
  }

  /** The row that has the focus. @returns {HTMLElement | null} */
  get current() {
    return document.activeElement?.closest(".row[data-ticker]") ?? null;
  }

  take() {
    const { current } = this;
    const drawn = [...this.list.drawn].find(([, { element }]) => element === current);
    if (drawn) openTake(this.app, { signal: /** @type {Signal} */ (drawn[1].data) });
  }

  /** @param {number} step */
  move(step) {
    const rows = this.list.rows.filter((row) => this.rows.get(row.key) === row);
    const drawn = [...this.list.drawn].find(([, { element }]) => element === this.current);
    const at = rows.findIndex((row) => row.key === drawn?.[0]);
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
    if (next) this.list.reveal(next.key)?.querySelector("a")?.focus({ preventScroll: true });
  }

  save() {
    import("../model/export.js").then(({ signalsAsCsv }) => {
      const session = this.order[0]?.session ?? "empty";
      download(`closebell-signals-${session}.csv`, signalsAsCsv(this.order), "text/csv");
    });
  }
}

/** @param {HTMLElement} element @returns {HTMLElement[]} */
function controls(element) {
  return [...element.querySelectorAll("button, select, input")].map(
    (one) => /** @type {HTMLElement} */ (one),
  );
}
