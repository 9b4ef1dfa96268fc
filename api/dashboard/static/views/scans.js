/** The newest scans, with what they counted and where Prefect tells of the run. */

/** @import {Scan} from "../lib/types.js" */
import { h, prose, refill } from "../lib/dom.js";
import { number, slotName, stamp, whole } from "../lib/format.js";
import { get } from "../lib/http.js";
import { address } from "../lib/route.js";
import { t, word } from "../lib/words.js";
import { leftOut } from "./groups.js";
import { failure, skeleton } from "./problem.js";

const MOST = 100;
const KINDS = ["market_gate", "vcp", "daytrading", "closing_bet"];

/** @type {import("../app.js").PageMaker} */
export function scansPage(app, root, _argument, query) {
  const stop = new AbortController();
  const { signal } = stop;
  const body = h("div");
  const chosen = KINDS.find((name) => name === query.get("scanner")) ?? null;
  refill(root,
    h("section", { class: "panel" },
      h("div", { class: "line" }, h("h1", {}, t("scans.title")), tabs(chosen)),
      body,
    ),
  );
  refill(body, skeleton(8, t("page.loading")));

  async function load() {
    try {
      const only = chosen ? `&scanner=${chosen}` : "";
      const scans = await get(`/api/kr/scans?limit=${MOST}${only}`, { signal });
      refill(body, scans.length ? table(scans) : h("p", { class: "empty" }, prose(t("scans.none"))));
    } catch (error) {
      if (!signal.aborted) refill(body, failure(error, () => void load()));
    }
  }

  app.live.addEventListener("message", (event) => {
    if (/^(scan|signal|market_gate)_update$/.test(/** @type {CustomEvent} */ (event).detail.type)) void load();
  }, { signal });
  app.live.addEventListener("resync", () => void load(), { signal });
  void load();
  return { leave: () => stop.abort() };
}

/** @param {string | null} chosen */
function tabs(chosen) {
  const tab = (/** @type {string | null} */ name) =>
    h("a", {
      class: "button small",
      "aria-current": name === chosen && "true",
      href: address("scans", "", new URLSearchParams(name ? { scanner: name } : {})),
    }, name ? word("scanner", name) : t("scanner.all"));
  return h("div", { class: "choices", role: "group", "aria-label": t("filter.scanner") },
    tab(null), KINDS.map(tab));
}

/** @param {Scan[]} scans */
function table(scans) {
  const columns = [
    t("scans.when"), t("filter.scanner"), t("scans.session"), t("scans.slot"), t("scans.status"),
    t("scans.rows"), t("scans.grades"), t("scans.left"), t("scans.seconds"), t("scans.rules"),
    t("scans.source"), t("scans.run"),
  ];
  return h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": t("scans.title") },
    h("table", { class: "grid" },
      h("thead", {}, h("tr", {}, columns.map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, scans.map(line)),
    ),
  );
}

/** @param {Scan} scan */
function line(scan) {
  const grades = ["S", "A", "B", "C"].map((grade) => scan.grades[grade] ?? "–").join(" / ");
  const left = Object.entries(scan.left_out).sort((a, b) => b[1] - a[1]);
  const sum = left.reduce((total, [, n]) => total + n, 0);
  const each = left.map(([reason, n]) => `${leftOut(reason)} ${n}`).join(", ");
  return h("tr", {},
    h("td", {}, stamp(scan.created_at)),
    h("td", {}, word("scanner", scan.scanner)),
    h("td", {}, scan.session),
    h("td", {}, slotName(scan.as_of),
      scan.preliminary && h("span", { class: "flag preliminary" }, t("slot.preliminary"))),
    h("td", {},
      h("span", { class: `flag run-${scan.status}` }, word("scans", scan.status)),
      scan.reason && h("small", { class: "quiet note" }, scan.reason)),
    h("td", {}, scan.rows ? whole(scan.rows) : "–"),
    h("td", {}, Object.keys(scan.grades).length ? grades : "–"),
    h("td", { title: each }, left.length ? whole(sum) : "–"),
    h("td", {}, number(scan.seconds, 1)),
    h("td", {}, h("code", { title: scan.rules_hash }, scan.rules_version)),
    h("td", {}, scan.source),
    h("td", {}, scan.run_url && isWeb(scan.run_url)
      ? h("a", { href: scan.run_url, target: "_blank", rel: "noreferrer" }, t("scans.open"))
      : "–"),
  );
}

/** Nothing but a web address is linked to. @param {string} address */
function isWeb(address) {
  return /^https?:\/\//.test(address);
}
