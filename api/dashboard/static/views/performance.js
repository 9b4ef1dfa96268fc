/** What became of past signals, and what backtests say. */

/** @import {App} from "../app.js" */
import { h, refill } from "../lib/dom.js";
import { ROUND_TRIP } from "../lib/costs.js";
import { maybe } from "../lib/http.js";
import { t } from "../lib/words.js";
import { Backtests } from "./backtests.js";
import { outcomeTables } from "./outcomes.js";
import { failure, skeleton } from "./problem.js";

/** @type {import("../app.js").PageMaker} */
export function performancePage(_app, root, argument) {
  const stop = new AbortController();
  const outcomes = h("section", { class: "panel", "aria-labelledby": "performance-title" });
  const panel = h("section", { class: "panel", "aria-labelledby": "backtests-title" });
  const backtests = new Backtests(panel, Number(argument) || null, stop.signal);
  const title = h("h1", { id: "performance-title" }, t("perf.title"));
  const intro = h("p", { class: "quiet" }, t("perf.intro", { cost: ROUND_TRIP }));
  refill(outcomes, title, intro, skeleton(4, t("page.loading")));
  refill(root, outcomes, panel);

  async function load() {
    try {
      const found = await maybe("/api/kr/performance", { signal: stop.signal });
      refill(outcomes, title, intro,
        found === null ? h("p", { class: "empty" }, t("perf.missing")) : outcomeTables(found));
    } catch (error) {
      if (!stop.signal.aborted) refill(outcomes, title, intro, failure(error, () => void load()));
    }
  }

  void load();
  void backtests.load();
  return {
    leave: () => {
      stop.abort();
      backtests.close();
    },
  };
}
