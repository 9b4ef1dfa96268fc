/** Finding any stock: by name, ticker or initial consonants. */

/** @import {App} from "../app.js" */
/** @import {StockFound} from "../lib/types.js" */
import { h, refill } from "../lib/dom.js";
import { get } from "../lib/http.js";
import { address } from "../lib/route.js";
import { t } from "../lib/words.js";

const MOST = 12;
const PAUSE = 120; // milliseconds of no typing

export class Search {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.input = h("input", {
      type: "search",
      id: "search",
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      "aria-expanded": "false",
      "aria-controls": "found",
      "aria-autocomplete": "list",
      oninput: () => this.#changed(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#press(event),
      onblur: () => setTimeout(() => this.#close(), 150),
      onfocus: () => this.#soon(),
    });
    this.list = h("ul", { id: "found", role: "listbox", hidden: true });
    this.box = h("div", { class: "search", role: "search" }, this.input, this.list);
    this.timer = 0;
    this.chosen = -1;
    /** @type {StockFound[]} */
    this.found = [];
    this.asking = new AbortController();
  }

  draw() {
    this.input.placeholder = t("search.placeholder");
    this.input.setAttribute("aria-label", t("search.label"));
    this.list.setAttribute("aria-label", t("search.label"));
    return this.box;
  }

  #changed() {
    this.found = []; // what was found is of another text
    this.chosen = -1;
    this.#soon();
  }

  #soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.#ask(), PAUSE);
  }

  async #ask() {
    this.asking.abort();
    const asking = new AbortController();
    this.asking = asking;
    const text = this.input.value.trim();
    if (!text) return this.#close();
    try {
      const query = new URLSearchParams({ q: text, limit: String(MOST) });
      this.found = await get(`/api/kr/stocks?${query}`, asking);
      if (asking.signal.aborted) return;
      this.chosen = this.found.length ? 0 : -1;
      this.#show(this.found.length ? null : t("search.none", { text }));
    } catch (error) {
      if (asking.signal.aborted) return;
      this.found = [];
      this.#show(t("search.failed"));
    }
  }

  /** @param {string | null} words */
  #show(words) {
    const options = this.found.map((stock, n) =>
      h("li", {
        role: "option",
        id: `found-${n}`,
        "aria-selected": String(n === this.chosen),
        onmousedown: () => this.#open(n),
      },
        h("strong", {}, stock.name),
        h("span", { class: "quiet" }, `${stock.ticker} · ${stock.market}`),
      ),
    );
    refill(this.list, words ? h("li", { class: "quiet", role: "option", "aria-disabled": "true" }, words) : options);
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    if (this.chosen >= 0) this.input.setAttribute("aria-activedescendant", `found-${this.chosen}`);
  }

  #close() {
    this.list.hidden = true;
    this.found = [];
    this.chosen = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      this.input.value = "";
      this.#close();
      this.input.blur();
    } else if (event.key === "Enter" && this.chosen >= 0) {
      this.#open(this.chosen);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!this.found.length) return;
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.chosen = (this.chosen + step + this.found.length) % this.found.length;
      this.#show(null);
    }
  }

  /** @param {number} n */
  #open(n) {
    const stock = this.found[n];
    if (!stock) return;
    this.input.value = "";
    this.#close();
    this.input.blur();
    location.hash = address("stock", stock.ticker);
  }
}
