/** Elements made of text: nothing here, or anywhere else, reads a string as markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Node | string | number | null | undefined | false} Leaf
 * @typedef {Leaf | (Leaf | (Leaf | Leaf[])[])[]} Child lists in lists are one list
 * @typedef {Record<string, any>} Props `class`, attributes, `on…` listeners; null and false: left out
 */

/**
 * An HTML element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Props} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  furnish(element, props, children);
  return element;
}

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Props} [props]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function s(tag, props = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  furnish(element, props, children);
  return /** @type {any} */ (element);
}

/** @param {Element} element @param {Props} props @param {Child[]} children */
function furnish(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  fill(element, ...children);
}

/**
 * Add children; null, undefined and false are left out.
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  for (const child of /** @type {Leaf[]} */ (children.flat(Infinity))) {
    if (child === null || child === undefined || child === false) continue;
    element.append(typeof child === "number" ? String(child) : child);
  }
}

/**
 * Put these children in the place of all others.
 * @param {Element} element
 * @param {...Child} children
 */
export function refill(element, ...children) {
  element.replaceChildren();
  fill(element, ...children);
}

/**
 * A bar filled to a fraction; `label` is what it says to those who don't see it.
 * @param {number | null} fraction null: unknown
 * @param {string} label
 * @param {string} [kind] a class
 */
export function bar(fraction, label, kind = "") {
  const filled = h("i");
  if (fraction !== null) filled.style.width = `${Math.max(0, Math.min(1, fraction)) * 100}%`;
  const missing = fraction === null ? " missing" : "";
  return h("span", { class: `bar ${kind}${missing}`, role: "img", "aria-label": label }, filled);
}

/**
 * Words with `code` between backticks.
 * @param {string} text
 * @returns {Leaf[]}
 */
export function prose(text) {
  return text.split("`").map((piece, n) => (n % 2 ? h("code", {}, piece) : piece));
}

/**
 * Offer a text as a file.
 * @param {string} name
 * @param {string} text
 * @param {string} type
 */
export function download(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/**
 * Put a text into the clipboard; false: it couldn't be done.
 * @param {string} text
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Plain http from another machine, or not allowed: the old way.
  }
  const area = h("textarea", { class: "hidden", readonly: true }, text);
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus({ preventScroll: true });
  return done;
}

/** What in an element can have the focus, in order. @param {Element} element @returns {HTMLElement[]} */
export function reachable(element) {
  return [...element.querySelectorAll(/** @type {"a"} */ ("a, button, select, input, [tabindex]"))];
}

/**
 * Draw an element's children anew; what stands in the place of the one with the focus gets it back.
 * @param {Element} element
 * @param {() => void} draw
 */
export function redraw(element, draw) {
  const place = reachable(element).findIndex((one) => one === document.activeElement);
  draw();
  if (place >= 0) reachable(element)[place]?.focus({ preventScroll: true });
}
