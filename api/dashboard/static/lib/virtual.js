/** A long list of which only the rows in sight exist. The page itself scrolls. */

import { reachable } from "./dom.js";

const MARGIN = 600; // pixels drawn beyond the edges of the window

/**
 * @typedef {object} Row
 * @property {string} key the same row keeps its key
 * @property {number} height pixels
 * @property {unknown} data drawn anew when it is another object
 * @property {() => HTMLElement} draw
 */

export class VirtualList {
  /** @param {HTMLElement} element gets the rows; as tall as all of them */
  constructor(element) {
    this.element = element;
    element.classList.add("virtual");
    /** @type {Row[]} */
    this.rows = [];
    /** @type {number[]} */
    this.tops = [0];
    /** @type {Map<string, {element: HTMLElement, data: unknown, place: string}>} */
    this.drawn = new Map();
    this.planned = 0;
    this.plan = () => {
      this.planned ||= requestAnimationFrame(() => this.draw());
    };
    addEventListener("scroll", this.plan, { passive: true });
    addEventListener("resize", this.plan);
  }

  /** @param {Row[]} rows */
  show(rows) {
    this.rows = rows;
    this.tops = [0];
    for (const row of rows) this.tops.push(this.tops[this.tops.length - 1] + row.height);
    this.element.style.height = `${this.tops[rows.length]}px`;
    this.draw();
  }

  draw() {
    cancelAnimationFrame(this.planned);
    this.planned = 0;
    const top = -this.element.getBoundingClientRect().top;
    const first = Math.max(0, this.#at(top - MARGIN));
    const last = Math.min(this.rows.length, this.#at(top + innerHeight + MARGIN) + 1);
    const active = /** @type {HTMLElement | null} */ (document.activeElement);
    const kept = new Set();
    /** @type {Element | null} */
    let next = null;
    for (let n = last - 1; n >= first; n--) {
      next = this.#place(n, next);
      kept.add(this.rows[n].key);
    }
    if (active !== document.activeElement) active?.focus({ preventScroll: true });
    for (const [key, { element }] of this.drawn) {
      if (kept.has(key) || (element.contains(active) && this.#index(key) >= 0)) continue;
      element.remove();
      this.drawn.delete(key);
    }
  }

  /**
   * Bring a row into sight and give its element.
   * @param {string} key
   * @returns {HTMLElement | null}
   */
  reveal(key) {
    const n = this.#index(key);
    if (n < 0) return null;
    const start = this.element.getBoundingClientRect().top + scrollY;
    const top = start + this.tops[n];
    const ceiling = Number.parseFloat(getComputedStyle(this.element).scrollMarginTop) || 0;
    if (top < scrollY + ceiling) scrollTo({ top: top - ceiling });
    const bottom = top + this.rows[n].height;
    if (bottom > scrollY + innerHeight) scrollTo({ top: bottom - innerHeight });
    this.draw();
    return this.drawn.get(key)?.element ?? null;
  }

  close() {
    cancelAnimationFrame(this.planned);
    removeEventListener("scroll", this.plan);
    removeEventListener("resize", this.plan);
  }

  /** @param {string} key */
  #index(key) {
    return this.rows.findIndex((row) => row.key === key);
  }

  /** Draw a row before the next one, so that the reading order is the order seen.
   * @param {number} n @param {Element | null} next */
  #place(n, next) {
    const row = this.rows[n];
    let here = this.drawn.get(row.key);
    if (here && here.data !== row.data) {
      const element = row.draw();
      const focused = reachable(here.element).findIndex((one) => one === document.activeElement);
      here.element.replaceWith(element);
      if (focused >= 0) reachable(element)[focused]?.focus({ preventScroll: true });
      here = { element, data: row.data, place: "" };
      this.drawn.set(row.key, here);
    } else if (!here) {
      here = { element: row.draw(), data: row.data, place: "" };
      this.drawn.set(row.key, here);
    }
    if (here.element.parentNode !== this.element || here.element.nextElementSibling !== next) {
      this.element.insertBefore(here.element, next);
    }
    const place = `${n} ${this.tops[n]} ${row.height}`;
    if (here.place !== place) {
      here.place = place;
      here.element.style.transform = `translateY(${this.tops[n]}px)`;
      here.element.style.height = `${row.height}px`;
      here.element.setAttribute("aria-rowindex", String(n + 2));
    }
    return here.element;
  }

  /** The row at a height, by halving. @param {number} top */
  #at(top) {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.tops[middle + 1] <= top) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
