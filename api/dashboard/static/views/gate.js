/** The market gate: level and colour, parts, the two indices, sectors. */

/** @import {App} from "../app.js" */
/** @import {Colour, Gate, Part, Sector} from "../lib/types.js" */
import { bar, h, refill, s } from "../lib/dom.js";
import { direction, number, percent, score, slotName } from "../lib/format.js";
import { reason } from "../words/reasons.js";
import { spoken, t, word } from "../lib/words.js";
import { failure, skeleton } from "./problem.js";

const FEW = 8; // sectors shown at first: the strongest and the weakest
const PARTS = ["change", "trend", "breadth", "sectors"];

/**
 * @param {App} app
 * @param {HTMLElement} panel
 */
export function drawGate(app, panel) {
  const { gate, state, error, history } = app.market;
  const title = h("h2", { id: "gate-title" }, t("gate.title"));
  if (state === "loading") return refill(panel, title, skeleton(6, t("page.loading")));
  if (state === "failed") return refill(panel, title, failure(error, () => void app.market.load()));
  if (!gate) return refill(panel, title, h("p", { class: "empty" }, t("gate.none")));
  refill(
    panel,
    h("header", {},
      title,
      h("span", { class: "quiet" }, `${gate.session} · ${slotName(gate.as_of)}`),
    ),
    level(gate),
    h("table", { class: "indices" },
      h("tbody", {},
        index("KOSPI", gate.kospi_close, gate.kospi_change_pct, gate.kospi_status),
        index("KOSDAQ", gate.kosdaq_close, gate.kosdaq_change_pct, gate.kosdaq_status),
      ),
    ),
    h("button", { type: "button", class: "plain unfold", onclick: () => unfold(panel) }, t("gate.more")),
    h("div", { class: "details" },
      past(history),
      h("dl", { class: "parts" }, PARTS.flatMap((name) => part(name, gate.parts[name]))),
      sectors(app, gate.sectors),
    ),
  );
}

/** On a phone only; elsewhere everything is in sight. @param {HTMLElement} panel */
function unfold(panel) {
  panel.classList.toggle("unfolded");
}

/** @param {Gate} gate */
function level(gate) {
  const { status } = gate;
  const shown = gate.level === null ? null : Math.round(gate.level);
  const mark = h("i", { class: "mark" });
  if (gate.level !== null) mark.style.left = `${gate.level}%`;
  return h("div", { class: "level", "data-colour": status ?? "" },
    h("p", {},
      h("strong", { class: "big" }, shown ?? "–"),
      h("b", {}, status ? t(`gate.${status}`) : t("gate.unknown")),
    ),
    h("div", { class: "scale", role: "img", "aria-label": t("gate.level", { level: shown ?? "–" }) }, mark),
    status && h("p", { class: "quiet" }, t(`gate.meaning.${status}`)),
  );
}

/** The level of the last sessions as a line. @param {Gate[]} newestFirst */
function past(newestFirst) {
  const gates = newestFirst.filter((gate) => gate.level !== null).reverse();
  if (gates.length < 2) return null;
  const width = 240;
  const height = 44;
  const x = (/** @type {number} */ n) => (n / (gates.length - 1)) * width;
  const y = (/** @type {number} */ value) => height - (value / 100) * height;
  const points = gates.map((gate, n) => `${x(n).toFixed(1)},${y(gate.level ?? 0).toFixed(1)}`);
  const rule = (/** @type {number} */ at) =>
    s("line", { x1: 0, x2: width, y1: y(at), y2: y(at), class: "rule" });
  return s("svg", {
    class: "past",
    viewBox: `0 -1 ${width} ${height + 2}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": t("gate.history", { n: gates.length }),
  },
    s("title", {}, t("gate.history", { n: gates.length })),
    rule(70),
    rule(40),
    s("polyline", { points: points.join(" "), class: "line" }),
  );
}

/**
 * @param {string} name
 * @param {number | null} close
 * @param {number | null} change
 * @param {Colour | null} status
 */
function index(name, close, change, status) {
  const colour = status ? t(`gate.${status}`) : t("gate.unknown");
  return h("tr", {},
    h("th", { scope: "row" },
      h("i", { class: "dot", "data-colour": status ?? "", role: "img", "aria-label": colour, title: colour }),
      name,
    ),
    h("td", {}, number(close, 2)),
    h("td", { class: direction(change) }, percent(change, 2)),
  );
}

/** @param {string} name @param {Part | undefined} part */
function part(name, part) {
  const missing = !part || part.points === null;
  const why = missing ? t("stock.missing.why", { why: reason(part?.missing ?? "", spoken()) }) : "";
  const label = word("gate", name);
  const said = missing ? why : `${score(part.points)} / ${score(part.out_of)}`;
  return [
    h("dt", {}, label),
    h("dd", {},
      bar(missing ? null : (part.points ?? 0) / part.out_of, `${label}: ${said}`),
      h("span", { title: why }, missing ? t("stock.missing") : said),
    ),
  ];
}

/** @param {App} app @param {Sector[]} all */
function sectors(app, all) {
  if (!all.length) return null;
  const sorted = [...all].sort((a, b) => b.change_pct - a.change_pct);
  const open = app.prefs.chosen.sectors || sorted.length <= FEW;
  const shown = open ? sorted : [...sorted.slice(0, FEW / 2), ...sorted.slice(-FEW / 2)];
  const most = Math.max(...sorted.map((sector) => Math.abs(sector.change_pct)), 1);
  return [
    h("h3", {}, t("gate.sectors.title", { n: sorted.length })),
    h("ul", { class: "sectors" }, shown.map((sector) => sectorLine(sector, most))),
    sorted.length > FEW &&
      h("button", {
        type: "button",
        class: "plain",
        "aria-expanded": String(open),
        onclick: () => app.prefs.set({ sectors: !open }),
      }, open ? t("gate.sectors.fewer") : t("gate.sectors.all", { n: sorted.length })),
  ];
}

/** @param {Sector} sector @param {number} most */
function sectorLine(sector, most) {
  const { change_pct, name, signal } = sector;
  const stroke = h("i", { class: direction(change_pct) });
  stroke.style.width = `${(Math.abs(change_pct) / most) * 50}%`;
  stroke.style[change_pct < 0 ? "right" : "left"] = "50%";
  return h("li", { title: `${name}: ${t(`gate.sector.${signal}`)}` },
    h("span", { class: "name" }, name),
    h("span", { class: "swing", "aria-hidden": "true" }, stroke),
    h("span", { class: `value ${direction(change_pct)}` }, percent(change_pct, 2)),
  );
}
