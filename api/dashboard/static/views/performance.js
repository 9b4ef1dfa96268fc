/** What became of past signals, and what backtests say. */

/** @import {Performance} from "./outcomes.js" */
import { h, prose, refill } from "../lib/dom.js";
import { maybe } from "../lib/http.js";
import { replaceQuery } from "../lib/route.js";
import { t } from "../lib/words.js";
import { Backtests } from "./backtests.js";
import { nothingOver, notYet, outcomeTables } from "./outcomes.js";
import { failure, skeleton } from "./problem.js";

/** @type {import("../app.js").PageMaker} */
export function performancePage(app, root, argument, query) {
  const stop = new AbortController();
  const outcomes = h("section", { class: "panel", "aria-labelledby": "performance-title" });
  const panel = h("section", { class: "panel", "aria-labelledby": "backtests-title" });
  const backtests = new Backtests(panel, Number(argument) || null, stop.signal);
  const title = h("h1", { id: "performance-title" }, t("perf.title"));
  const intro = h("p", { class: "quiet" }, t("perf.intro", app.market.costs));
  refill(outcomes, title, intro, skeleton(4, t("page.loading")));
  refill(root, outcomes, panel);

  /** @param {Performance} found */
  function show(found) {
    early = nothingOver(found) ? found : null;
    if (early) {
      return refill(outcomes, title, intro, notYet(found, app.market.after(found.settled_to)));
    }
    const choose = (/** @type {string} */ gate) => {
      if (gate === "all") query.delete("gate");
      else query.set("gate", gate);
      replaceQuery(query);
      show(found);
    };
    refill(outcomes, title, intro, outcomeTables(found, query.get("gate") ?? "all", choose));
  }

  async function load() {
    try {
      const found = await maybe("/api/kr/performance", { signal: stop.signal });
      if (found) show(found);
      else refill(outcomes, title, intro, h("p", { class: "empty" }, prose(t("perf.none"))));
    } catch (error) {
      if (!stop.signal.aborted) refill(outcomes, title, intro, failure(error, () => void load()));
    }
  }

  /** @type {Performance | null} */
  let early = null;
  app.market.addEventListener("change", () => {
    refill(intro, t("perf.intro", app.market.costs));
    if (early) show(early);
  }, { signal: stop.signal });
  void load();
  void backtests.load();
  return {
    leave: () => {
      stop.abort();
      backtests.close();
    },
  };
}
