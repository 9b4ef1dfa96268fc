/** A backtest's equity beside KOSPI and the equal-weight universe, all 100 at the start. */

import { h, refill } from "../lib/dom.js";
import { percent } from "../lib/format.js";
import { t } from "../lib/words.js";
// @ts-types="../vendor/lightweight-charts.d.ts"
import { LineSeries, createChart } from "../vendor/lightweight-charts.js";
import { chartOptions, colours } from "./chart-colours.js";

/** @typedef {{session: string, equity: number, kospi: number | null, universe: number | null}} EquityPoint */

/**
 * @param {HTMLElement} root
 * @param {EquityPoint[]} points
 * @param {number} capital won at the start
 * @returns {{close: () => void}}
 */
export function drawEquity(root, points, capital) {
  const palette = colours();
  const last = points[points.length - 1];
  const label = t("perf.equity.summary", {
    first: points[0].session,
    last: last.session,
    own: percent((last.equity / capital - 1) * 100),
  });
  const canvas = h("div", { class: "canvas", role: "img", "aria-label": label });
  const key = h("p", { class: "legend", "aria-hidden": "true" });
  refill(root, key, canvas);
  const chart = createChart(canvas, chartOptions(palette));
  const draw = (/** @type {string} */ name, /** @type {string} */ color, /** @type {1 | 2} */ lineWidth, /** @type {(p: EquityPoint) => number | null} */ value) => {
    const data = points.flatMap((point) => {
      const found = value(point);
      return found === null ? [] : [{ time: point.session, value: found }];
    });
    if (!data.length) return;
    const series = chart.addSeries(LineSeries, {
      color, lineWidth, priceLineVisible: false, priceFormat: { type: "price", precision: 1, minMove: 0.1 },
    });
    series.setData(data);
    const word = h("span", {}, name);
    word.style.color = color;
    key.append(word);
  };
  draw(t("perf.equity.universe"), palette.text, 1, (point) => point.universe && point.universe * 100);
  draw(t("perf.equity.kospi"), palette.ma50, 1, (point) => point.kospi && point.kospi * 100);
  draw(t("perf.equity.own"), palette.entry, 2, (point) => (point.equity / capital) * 100);
  chart.timeScale().fitContent();
  root.dataset.points = String(points.length);
  return { close: () => chart.remove() };
}
