/** The first view: the market beside today's signals, each scanner under its own heading. */

/** @import {App, Page} from "../app.js" */
/** @import {Scanner, Signal} from "../lib/types.js" */
/** @import {Listed} from "../model/export.js" */
/** @import {Row} from "../lib/virtual.js" */
/** @import {View, Sort} from "../model/view.js" */
import { download, h, redraw, refill } from "../lib/dom.js";
import { VirtualList } from "../lib/virtual.js";
import { replaceQuery } from "../lib/route.js";
import { t } from "../lib/words.js";
import { SCANNERS } from "../lib/types.js";
import { arrange, read, write } from "../model/view.js";
import { drawFreshness } from "./freshness.js";
import { drawGate } from "./gate.js";
import { emptyRow, groupHeading, markSort, table } from "./groups.js";
import { signalRow } from "./row.js";
import { openTake } from "./take.js";
import { toolbar } from "./toolbar.js";

const HEADING = 56;
const NARROW = "(max-width: 920px)";

/** @type {import("../app.js").PageMaker} */
export function signalsPage(app, root, _argument, query) {
  const shown = new SignalsView(app, root, read(query));
  return { leave: () => shown.leave(), press: (key) => shown.press(key) };
}

/** @typedef {Omit<Row, "data"> & {data: {signal: Signal, watched: boolean}}} SignalRow */

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
    /** Rows stay the same object while nothing of them changes. @type {Map<string, SignalRow>} */
    this.rows = new Map();
    this.stop = new AbortController();
    this.narrow = matchMedia(NARROW);
    /** Those shown, as they are exported. @type {Listed[]} */
    this.order = [];
    /** @type {Set<string>} */
    this.watched = new Set();
    this.cost = app.market.costs.cost;
    refill(root,
      h("div", { class: "board" },
        h("aside", { class: "side" }, this.gate, this.fresh),
        h("section", { class: "list", "aria-label": t("list.label") },
          this.heading,
          this.tools,
          table(this.body, (sort) => this.sortBy(sort)),
        ),
      ),
    );
    this.list = new VirtualList(this.body);
    const { signal } = this.stop;
    app.board.addEventListener("change", () => this.draw(), { signal });
    app.market.addEventListener("change", () => this.drawSide(), { signal });
    app.notebook.addEventListener("change", () => this.draw(), { signal });
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
    redraw(this.gate, () => drawGate(this.app, this.gate));
    drawFreshness(this.app, this.fresh);
    if (this.app.market.history.length && !this.hasSessions) {
      this.hasSessions = true;
      this.drawTools();
    }
  }

  /** All rows anew, since their height isn't in their data. */
  redraw() {
    this.rows.clear();
    this.draw();
  }

  draw() {
    this.drawTools();
    const table = this.body.closest(/** @type {"div"} */ ("[role=table]"));
    if (table) markSort(table, this.view);
    const chosen = this.view.scanner ? [this.view.scanner] : SCANNERS;
    this.order = [];
    this.watched = new Set(this.app.notebook.stocks.map((stock) => stock.ticker));
    this.list.show(chosen.flatMap((name) => this.group(name)));
    table?.setAttribute("aria-rowcount", String(this.list.rows.length + 1));
  }

  /** @param {Scanner} name @returns {Row[]} */
  group(name) {
    const slot = this.app.board.slots[name];
    const found = arrange(slot.signals, this.view);
    const gone = this.view.gone ? arrange(slot.gone, { ...this.view, changes: [] }) : [];
    this.order.push(...found, ...gone.map((signal) => ({ ...signal, change: /** @type {const} */ ("gone") })));
    const set = (/** @type {Partial<View>} */ change) => this.set(change);
    const wrapped = name === "closing_bet" ? 66 : 26; // its heading has another line
    const height = this.narrow.matches ? HEADING + wrapped : HEADING;
    const { session, as_of, state, signals } = slot;
    const { costs } = this.app.market;
    const told = [session, as_of, state, signals.length, found.length, slot.gone.length, costs.cost];
    /** @type {Row[]} */
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
      rows.push({ key: `empty ${name}`, height: 132, data: {}, draw });
    }
    return [
      ...rows,
      ...found.map((signal) => this.row(signal, false)),
      ...gone.map((signal) => this.row(signal, true)),
    ];
  }

  /** @param {Signal} signal @param {boolean} gone @returns {SignalRow} */
  row(signal, gone) {
    const key = `${gone ? "gone " : ""}${signal.signal_type} ${signal.ticker}`;
    const watched = this.watched.has(signal.ticker);
    const known = this.rows.get(key);
    if (known?.data.signal === signal && known.data.watched === watched) return known;
    const row = {
      key,
      height: this.narrow.matches ? 110 : 38,
      data: { signal, watched },
      draw: () => signalRow(this.app, signal, { gone, fresh: this.app.board.fresh.has(signal.id) }),
    };
    this.rows.set(key, row);
    return row;
  }

  drawTools() {
    const active = document.activeElement;
    if (active?.id === "filter") return; // being typed in: what it shows is right already
    const set = (/** @type {Partial<View>} */ change) => this.set(change);
    const tools = { set, save: () => this.save() };
    redraw(this.tools, () => refill(this.tools, toolbar(this.app, this.view, tools)));
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
    const row = drawn && this.rows.get(drawn[0]);
    if (row) openTake(this.app, { signal: row.data.signal });
  }

  /** @param {number} step */
  move(step) {
    const rows = this.list.rows.filter((row) => /** @type {Row | undefined} */ (this.rows.get(row.key)) === row);
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
