/** How fresh everything is: each scanner's newest scan, each source's last collection. */

/** @import {App} from "../app.js" */
/** @import {SourceHealth} from "../lib/types.js" */
import { h, refill } from "../lib/dom.js";
import { ago, day, slotName, stamp } from "../lib/format.js";
import { t, word } from "../lib/words.js";
import { skeleton } from "./problem.js";

const ORDER = ["market_gate", "vcp", "daytrading", "closing_bet"];

/**
 * @param {App} app
 * @param {HTMLElement} panel
 */
export function drawFreshness(app, panel) {
  const { health, now } = app.market;
  const title = h("h2", { id: "fresh-title" }, t("fresh.title"));
  if (!health) return refill(panel, title, skeleton(4, t("page.loading")));
  const { last_scan, sources } = health.checks;
  const since = (/** @type {string} */ moment) => Math.max(0, (now - Date.parse(moment)) / 1000);
  refill(
    panel,
    h("header", {},
      title,
      h("span", { class: "health", "data-status": health.status }, t(`fresh.status.${health.status}`)),
    ),
    h("table", { class: "fresh" },
      h("tbody", {},
        ORDER.map((name) => {
          const told = last_scan[name];
          const scan = told?.session ? told : null; // null: it never scanned
          return h("tr", { class: told?.stale ? "stale" : "" },
            h("th", { scope: "row" }, word("scanner", name)),
            h("td", {}, scan ? `${day(scan.session)} ${slotName(scan.as_of)}` : t("fresh.never")),
            h("td", { title: scan ? stamp(scan.completed_at) : "" },
              scan && (scan.sessions_behind
                ? t("fresh.behind", { n: scan.sessions_behind })
                : ago(since(scan.completed_at))),
            ),
          );
        }),
        Object.entries(sources).map(([name, source]) =>
          sourceLine(name, source, since),
        ),
      ),
    ),
  );
}

/**
 * A source without bars (news, disclosures) tells when it last answered.
 * @param {string} name
 * @param {SourceHealth} source
 * @param {(moment: string) => number} since seconds
 */
function sourceLine(name, source, since) {
  const { state, missing, breaker, last_error } = source;
  const last = source.collected_at ?? source.last_success;
  const trouble = state === "not configured" ? "none"
    : breaker !== "closed" ? "paused" : state === "degraded" ? "degraded" : null;
  const why = state === "not configured" ? missing : trouble && last_error;
  return h("tr", { class: `source${trouble && trouble !== "none" ? " stale" : ""}`, "data-source": name },
    h("th", { scope: "row" }, name,
      trouble && h("small", {}, ` ${t(`fresh.source.${/** @type {"none"} */ (trouble)}`)}`),
      why && h("small", { class: "why", title: why }, why)),
    h("td", {}, last ? stamp(last).slice(5) : "–"),
    h("td", {}, last && ago(since(last))),
  );
}
