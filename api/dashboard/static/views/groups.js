/** The list's table: its head, each scanner's heading, and why a scanner has nothing. */

/** @import {Scanner} from "../lib/types.js" */
/** @import {Slot} from "../model/board.js" */
/** @import {View, Sort} from "../model/view.js" */
/** @import {Key} from "../lib/words.js" */
import { h, prose } from "../lib/dom.js";
import { clock, slotName, whole } from "../lib/format.js";
import { t, word } from "../lib/words.js";
import { isFiltered, unfiltered } from "../model/view.js";
import { inWords, skeleton } from "./problem.js";

/** @type {[string, Key, Sort | null][]} */
const COLUMNS = [
  ["star", "col.star", null],
  ["stock", "col.stock", "name"],
  ["grade", "col.grade", "grade"],
  ["score", "col.score", "score"],
  ["change", "col.change", "change"],
  ["number entry", "col.entry", "entry"],
  ["number target", "col.target", null],
  ["number stop", "col.stop", "risk"],
  ["number value20", "col.value20", "value20"],
  ["number cap", "col.market_cap", "market_cap"],
  ["notes", "col.notes", null],
];

/**
 * @param {HTMLElement} body
 * @param {(sort: Sort) => void} sortBy
 */
export function table(body, sortBy) {
  return h("div", { role: "table", class: "table", "aria-label": t("list.label") },
    h("div", { role: "rowgroup", class: "head" },
      h("div", { role: "row", class: "row" },
        COLUMNS.map(([kind, key, sort]) =>
          h("div", { role: "columnheader", class: kind, "data-sort": sort, title: kind.endsWith("value20") ? t("col.value20.title") : null },
            sort
              ? h("button", { type: "button", class: "plain", onclick: () => sortBy(sort) }, t(key))
              : kind === "star" ? h("span", { class: "hidden" }, t(key)) : t(key),
          ),
        ),
      ),
    ),
    body,
  );
}

/** Say in the head which column the list follows. @param {HTMLElement} table @param {View} view */
export function markSort(table, view) {
  for (const column of table.querySelectorAll(/** @type {"div"} */ (".head [data-sort]"))) {
    if (column.dataset.sort !== view.sort) column.removeAttribute("aria-sort");
    else column.setAttribute("aria-sort", view.rising ? "ascending" : "descending");
  }
}

/**
 * @param {Scanner} name
 * @param {Slot} slot
 * @param {number} shown
 * @param {View} view
 * @param {(change: Partial<View>) => void} set
 * @param {{cost: string, ticks: string}} costs of a round trip
 */
export function groupHeading(name, slot, shown, view, set, costs) {
  const counts = { new: 0, upgraded: 0, carried: 0, downgraded: 0 };
  for (const signal of slot.signals) counts[signal.change] += 1;
  const n = slot.signals.length;
  return h("div", { role: "row", class: "group", "data-scanner": name },
    h("div", { role: "cell" },
      h("h2", {}, t(`scanner.${name}`)),
      slot.session && h("span", { class: "slot", title: slotTitle(slot) },
        `${slot.session} ${slotName(slot.as_of ?? "")}`),
      slot.preliminary && h("span", { class: "flag preliminary" }, t("slot.preliminary")),
      slot.state === "more" && h("span", { class: "quiet" }, t("list.more")),
      slot.state === "failed" && n > 0 && h("span", { class: "flag wrong" }, inWords(slot.error)),
      h("span", { class: "quiet" },
        shown === n ? t("list.count", { n }) : t("list.shown", { shown, n })),
      h("span", { class: "quiet summary" }, t("list.summary", { ...counts, gone: slot.gone.length })),
      slot.gone.length > 0 && h("button", {
        type: "button",
        class: "plain",
        "aria-pressed": String(view.gone),
        onclick: () => set({ gone: !view.gone }),
      }, view.gone ? t("list.gone.hide") : t("list.gone.show", { n: slot.gone.length })),
      name === "closing_bet" && h("span", { class: "quiet cost" }, t("list.overnight", costs)),
    ),
  );
}

/** @param {Slot} slot */
function slotTitle(slot) {
  const { as_of } = slot;
  const meaning =
    as_of === "final" ? t("slot.title.final")
    : as_of === "close" ? t("slot.title.close")
    : t("slot.title.time", { at: as_of ?? "" });
  return `${meaning} ${clock(slot.updated)}`;
}

/**
 * What stands where there are no signals: why, in a sentence.
 * @param {Scanner} name
 * @param {Slot} slot
 * @param {View} view
 * @param {{set: (change: Partial<View>) => void, again: () => void}} act
 */
export function emptyRow(name, slot, view, act) {
  if (slot.state === "loading") return cell(skeleton(3, t("list.loading")));
  if (slot.state === "failed") {
    return cell(
      h("p", {}, t("list.failed", { why: inWords(slot.error) })),
      h("button", { type: "button", onclick: act.again }, t("list.retry")),
    );
  }
  if (slot.signals.length && isFiltered(view)) {
    return cell(
      h("p", {}, t("list.none.filter")),
      h("button", { type: "button", onclick: () => act.set(unfiltered(view)) }, t("list.clear")),
    );
  }
  return cell(...why(name, slot, view).map((sentence) => h("p", {}, prose(sentence))));
}

/** @param {Scanner} name @param {Slot} slot @param {View} view */
function why(name, slot, view) {
  const { scan } = slot;
  const scanner = t(`scanner.${name}`);
  if (!scan) {
    if (view.session) return [t("list.none.session", { scanner, session: view.session })];
    return [t("list.none.scanner", { scanner }), t("list.none.never")];
  }
  const { session } = scan;
  if (scan.status === "failed") return [t("list.none.failed", { session, why: scan.reason ?? "–" })];
  if (scan.status === "skipped") return [t("list.none.skipped", { session, why: scan.reason ?? "–" })];
  const left = Object.entries(scan.left_out).sort((a, b) => b[1] - a[1]).slice(0, 3);
  const list = left.map(([reason, n]) => `${leftOut(reason)} ${whole(n)}`).join(", ");
  const plain = t("list.none.plain", { rows: whole(scan.rows), c: whole(scan.grades.C ?? 0) });
  return list ? [plain, t("list.none.left", { list })] : [plain];
}

/** Why a stock wasn't scanned. @param {string} reason */
export function leftOut(reason) {
  const flagged = word("flag", reason);
  return flagged === reason ? word("left", reason) : flagged;
}

/** @param {...Node} children */
function cell(...children) {
  return h("div", { role: "row", class: "nothing" }, h("div", { role: "cell" }, ...children));
}
