/** Why a signal scored what it scored: levels, each check, gates, and the scanner's own words. */

/** @import {DetailedPart, Signal} from "../lib/types.js" */
import { bar, h } from "../lib/dom.js";
import { away, number, percent, score, slotName, whole, won } from "../lib/format.js";
import { reason } from "../words/reasons.js";
import { spoken, t, word } from "../lib/words.js";
import { changeMark, gradeBadge } from "./row.js";

/** @type {Record<string, string[]>} */
const ORDER = {
  vcp: ["trend", "contractions", "volume_dry_up", "tightness", "pivot", "smart_money"],
  daytrading: ["volume", "momentum", "box", "average5", "net_buying", "rebound", "sector"],
  closing_bet: ["news", "value", "chart", "candle", "period", "supply"],
};

/**
 * @param {Signal} signal
 * @param {{cost: string, ticks: string}} costs of a round trip
 */
export function scorePanel(signal, costs) {
  const { parts, signal_type } = signal;
  const pct = Math.round((signal.score / signal.out_of) * 100);
  return [
    h("header", {},
      gradeBadge(signal.grade),
      h("h2", {}, t(`scanner.${signal_type}`)),
      changeMark(signal.change),
      h("span", { class: "quiet" }, `${signal.session} ${slotName(signal.as_of)}`),
      signal.preliminary && h("span", { class: "flag preliminary" }, t("slot.preliminary")),
    ),
    levels(signal, costs),
    h("h3", {}, t("stock.score")),
    h("p", { class: "quiet" },
      t("stock.outof", { score: score(signal.score), out_of: score(signal.out_of), pct })),
    h("table", { class: "checks" },
      h("tbody", {}, ORDER[signal_type].map((name) => check(signal_type, name, parts[name]))),
    ),
    h("h3", {}, t("stock.gates")),
    h("ul", { class: "gates" }, Object.entries(parts.gates ?? {}).map(gateLine)),
    h("h3", {}, t("stock.reasons")),
    h("ul", { class: "reasons" }, signal.reasons.map((text) => h("li", {}, reason(text, spoken())))),
  ];
}

/** @param {Signal} signal @param {{cost: string, ticks: string}} costs */
function levels(signal, costs) {
  const { entry_price: entry, target_price: target, stop_price: stop } = signal;
  const overnight = signal.signal_type === "closing_bet" &&
    h("p", { class: "quiet" }, t("list.overnight", costs));
  if (entry === null) {
    const extended = signal.reasons.some((text) => text.startsWith("extended:"));
    const why = t(extended ? "stock.levels.extended" : "stock.levels.unsaid");
    return h("p", { class: "empty" }, t("stock.levels.none", { why }));
  }
  const line = (/** @type {string} */ kind, /** @type {string} */ text, /** @type {number | null} */ price) => [
    h("dt", { class: kind }, text),
    h("dd", {}, whole(price), " ",
      kind !== "entry" && h("small", { class: "quiet" }, percent(away(entry, price)))),
  ];
  const ratio = target && stop && stop < entry ? (target - entry) / (entry - stop) : null;
  return [
    h("dl", { class: "levels" },
      line("target", t("col.target"), target),
      line("entry", t("col.entry"), entry),
      line("stop", t("col.stop"), stop),
      ratio !== null && [h("dt", {}, t("stock.reward")), h("dd", {}, number(ratio, 1))],
    ),
    h("p", { class: "quiet" }, t("stock.levels.note", { session: signal.session })),
    overnight,
  ];
}

/** @param {string} scanner @param {string} name @param {DetailedPart | undefined} part */
function check(scanner, name, part) {
  const missing = !part || part.points === null;
  const why = reason(part?.missing ?? "", spoken());
  const label = word("part", name);
  const points = missing ? t("stock.missing") : `${score(part.points)} / ${score(part.out_of)}`;
  return h("tr", { class: missing ? "missing" : "" },
    h("th", { scope: "row" }, label,
      h("small", {}, missing ? (why ? t("stock.missing.why", { why }) : "") : detail(scanner, name, part))),
    h("td", { class: "meter" }, bar(missing ? null : (part.points ?? 0) / part.out_of, `${label}: ${points}`)),
    h("td", { class: "points" }, missing ? t("stock.missing") : points,
      part?.status && !missing && h("small", {}, t(`check.${part.status}`))),
  );
}

/** @param {[string, boolean | null]} gate */
function gateLine([name, passed]) {
  const verdict = t(`stock.gate.${passed}`);
  const sign = passed === null ? "?" : passed ? "✓" : "✕";
  return h("li", { class: `gate-${passed}` },
    h("span", { "aria-hidden": "true" }, sign), word("gate.name", name),
    h("span", { class: "quiet" }, verdict));
}

/** What the points rest on. @param {string} scanner @param {string} name @param {DetailedPart} part */
function detail(scanner, name, part) {
  const pct = (/** @type {number | null} */ value, decimals = 1) =>
    number(value === null || value === undefined ? null : value * 100, decimals);
  const wonSaid = spoken() === "ko" ? `${won(part.won)} 원` : `${won(part.won)} won`;
  switch (`${scanner} ${name}`) {
    case "vcp trend":
      return t("detail.conditions", { n: part.conditions ?? "–", rs: number(part.rs, 0) });
    case "vcp contractions":
      return t("detail.count", { n: part.count ?? 0 });
    case "vcp volume_dry_up":
      return t("detail.ratio", { n: pct(part.ratio, 0) });
    case "vcp tightness":
      return t("detail.tightness", { atr: number(part.atr_ratio, 2), band: pct(part.band_place, 0) });
    case "vcp pivot":
      return part.price ? t("detail.pivot", { state: word("state", part.state), price: whole(part.price) }) : "";
    case "vcp smart_money":
      return t("detail.smart", {
        f: pct(part.foreign_share), i: pct(part.institution_share), streak: part.streak ?? 0,
      });
    case "daytrading volume":
      return t("detail.volume", { n: number(part.ratio, 1) });
    case "daytrading momentum":
      return t("detail.momentum", { n: pct(part.close_to_high, 0) });
    case "daytrading net_buying":
      return t("detail.net", { won: wonSaid });
    case "daytrading rebound":
      return t("detail.rebound", { change: pct(part.change), before: pct(part.change_before) });
    case "daytrading sector":
      return t("detail.sector", { rank: part.rank ?? "–", members: part.members ?? "–" });
    case "closing_bet value":
      return t("detail.won", { won: wonSaid });
    case "closing_bet chart":
      return part.near_high === null ? "" : t("detail.chart", { n: pct(part.near_high, 0) });
    case "closing_bet supply":
      return t("detail.supply", { f: pct(part.foreign_share), i: pct(part.institution_share) }) +
        (part.provisional ? `, ${t("detail.provisional")}` : "");
    default:
      return "";
  }
}
