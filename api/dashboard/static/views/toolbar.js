/** Choosing which signals are shown, and in what order. */

/** @import {App} from "../app.js" */
/** @import {View, Sort} from "../model/view.js" */
/** @import {Scanner} from "../lib/types.js" */
import { copy, h } from "../lib/dom.js";
import { t } from "../lib/words.js";
import { SCANNERS } from "../lib/types.js";
import { CHANGES, SORTS } from "../model/view.js";

const LISTED = /** @type {const} */ (["S", "A", "B"]);

/**
 * @typedef {object} Tools
 * @property {(change: Partial<View>) => void} set
 * @property {() => void} save the list as a file
 */

/**
 * @param {App} app
 * @param {View} view
 * @param {Tools} tools
 */
export function toolbar(app, view, tools) {
  return h("div", { class: "tools" },
    scanners(app, view, tools),
    h("button", { type: "button", class: "plain unfold", onclick: unfold }, t("filter.title")),
    filters(app, view, tools),
  );
}

/** On a phone only; elsewhere the filters are always in sight. @param {Event} event */
function unfold(event) {
  const button = /** @type {HTMLElement} */ (event.currentTarget);
  button.closest(".toolbox")?.classList.toggle("unfolded");
}

/** @param {App} app @param {View} view @param {Tools} tools */
function scanners(app, view, tools) {
  const count = (/** @type {Scanner} */ name) => app.board.slots[name].signals.length;
  const all = SCANNERS.reduce((sum, name) => sum + count(name), 0);
  const tab = (/** @type {Scanner | null} */ name, /** @type {number} */ n) =>
    h("button", {
      type: "button",
      "aria-pressed": String(view.scanner === name),
      onclick: () => tools.set({ scanner: name }),
    }, name ? t(`scanner.${name}`) : t("scanner.all"), h("span", { class: "n" }, n));
  return h("div", { class: "tabs", role: "group", "aria-label": t("filter.scanner") },
    tab(null, all),
    SCANNERS.map((name) => tab(name, count(name))),
    h("span", { class: "gap" }),
    choose(t("filter.session"), view.session ?? "",
      [["", t("filter.session.newest")], ...sessions(app, view)],
      (session) => tools.set({ session: session || null })),
    h("button", { type: "button", class: "small", onclick: tools.save }, t("action.export")),
    h("button", { type: "button", class: "small", onclick: share }, t("action.share")),
  );
}

/** @param {App} app @param {View} view @param {Tools} tools */
function filters(app, view, tools) {
  return h("div", { class: "filters", role: "group", "aria-label": t("filter.title") },
    chips(t("filter.grade"), LISTED, view.grades, (name) => name, (grades) => tools.set({ grades }), "grade"),
    chips(t("filter.change"), CHANGES, view.changes, (name) => t(`change.${name}`),
      (changes) => tools.set({ changes }), "change"),
    choose(t("filter.market"), view.market ?? "",
      [["", t("filter.market.all")], ["KOSPI", "KOSPI"], ["KOSDAQ", "KOSDAQ"]],
      (market) => tools.set({ market: market || null })),
    choose(t("filter.min"), String(view.min),
      [["0", `${t("filter.min")} –`], ...leasts(view.min)],
      (min) => tools.set({ min: Number(min) })),
    h("input", {
      type: "search",
      id: "filter",
      value: view.text,
      placeholder: t("filter.text"),
      "aria-label": t("filter.text"),
      autocomplete: "off",
      oninput: (/** @type {Event} */ event) =>
        tools.set({ text: /** @type {HTMLInputElement} */ (event.target).value }),
    }),
    h("label", { class: "check" },
      h("input", {
        type: "checkbox",
        checked: view.plain,
        onchange: (/** @type {Event} */ event) =>
          tools.set({ plain: /** @type {HTMLInputElement} */ (event.target).checked }),
      }),
      t("filter.flags"),
    ),
    h("span", { class: "gap" }),
    choose(t("filter.sort"), view.sort, SORTS.map((name) => [name, t(`sort.${name}`)]),
      (sort) => tools.set({ sort: /** @type {Sort} */ (sort) })),
    h("button", {
      type: "button",
      class: "icon",
      "aria-label": t(view.rising ? "sort.ascending" : "sort.descending"),
      title: t(view.rising ? "sort.ascending" : "sort.descending"),
      onclick: () => tools.set({ rising: !view.rising }),
    }, view.rising ? "↑" : "↓"),
  );
}

/** The usual least scores, and the one of the address. @param {number} chosen @returns {[string, string][]} */
function leasts(chosen) {
  const all = new Set([50, 60, 70, 80, 90, ...(chosen ? [chosen] : [])]);
  return [...all].sort((a, b) => a - b).map((n) => [String(n), `≥ ${n} %`]);
}

/** @param {App} app @param {View} view @returns {[string, string][]} */
function sessions(app, view) {
  const known = app.market.history.map((gate) => gate.session);
  if (view.session && !known.includes(view.session)) known.unshift(view.session);
  return known.map((session) => [session, session]);
}

/** @param {Event} event */
async function share(event) {
  const button = /** @type {HTMLElement} */ (event.currentTarget);
  button.textContent = t((await copy(location.href)) ? "action.shared" : "action.unshared");
  setTimeout(() => (button.textContent = t("action.share")), 1500);
}

/**
 * @template {string} T
 * @param {string} label
 * @param {readonly T[]} names
 * @param {string[]} chosen
 * @param {(name: T) => string} text
 * @param {(chosen: string[]) => void} choose
 * @param {string} kind
 */
function chips(label, names, chosen, text, choose, kind) {
  return h("div", { class: "chips", role: "group", "aria-label": label },
    names.map((name) =>
      h("button", {
        type: "button",
        class: `chip ${kind}-${name}`,
        "aria-pressed": String(chosen.includes(name)),
        onclick: () =>
          choose(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]),
      }, text(name)),
    ),
  );
}

/**
 * @param {string} label
 * @param {string} current
 * @param {[string, string][]} options
 * @param {(value: string) => void} choose
 */
export function choose(label, current, options, choose) {
  return h("select", {
    "aria-label": label,
    title: label,
    onchange: (/** @type {Event} */ event) =>
      choose(/** @type {HTMLSelectElement} */ (event.target).value),
  }, options.map(([value, text]) => h("option", { value, selected: value === current }, text)));
}
