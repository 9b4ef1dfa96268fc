/** A stock's candles with volume, averages, net buying, and one signal drawn on them. */

/** @import {Bar, FlowPoint, Signal} from "../lib/types.js" */
/** @import {IChartApi, IPaneApi, ISeriesApi, LogicalRange, Time} from "../vendor/lightweight-charts.d.ts" */
import { h, refill } from "../lib/dom.js";
import { number, percent, whole, won } from "../lib/format.js";
import { t } from "../lib/words.js";
// @ts-types="../vendor/lightweight-charts.d.ts"
import {
  CandlestickSeries,
  HistogramSeries,
  LineSeries,
  LineStyle,
  createChart,
  createSeriesMarkers,
  createTextWatermark,
} from "../vendor/lightweight-charts.js";
import { average, contractionsOf, factorOf } from "../model/geometry.js";
import { chartOptions, colours } from "./chart-colours.js";

const AVERAGES = /** @type {const} */ ([[20, "ma20"], [50, "ma50"], [150, "ma150"], [200, "ma200"]]);
const VOLUME = 1;
const FOREIGN = 2;
const INSTITUTIONS = 3;
const quiet = { lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false };

/**
 * @typedef {object} Drawn
 * @property {Bar[]} bars on today's scale, oldest first
 * @property {Bar[]} asTraded
 * @property {FlowPoint[]} flow
 * @property {Signal | null} signal the one drawn
 * @property {Signal[]} signals all, as markers
 * @property {number} days shown
 * @property {LogicalRange | null} [range] where it stood when it was drawn before
 */

/**
 * Draw it in `root`.
 * @param {HTMLElement} root
 * @param {Drawn} drawn
 * @returns {{close: () => LogicalRange | null}} gives the range that was in sight
 */
export function drawStock(root, drawn) {
  const { bars, days, flow, signal } = drawn;
  const palette = colours();
  const legend = h("p", { class: "legend", "aria-hidden": "true" });
  const canvas = h("div", { class: "canvas", role: "img", "aria-label": summary(drawn) });
  refill(root, legend, canvas);
  const chart = createChart(canvas, chartOptions(palette));
  const candles = chart.addSeries(CandlestickSeries, {
    upColor: palette.up,
    downColor: palette.down,
    wickUpColor: palette.up,
    wickDownColor: palette.down,
    borderVisible: false,
    priceFormat: { type: "custom", formatter: whole, minMove: 1 },
  });
  candles.setData(bars.map((bar) => (bar.open === null
    ? { time: bar.date }
    : { time: bar.date, open: bar.open, high: bar.high ?? bar.open, low: bar.low ?? bar.open, close: bar.close })));
  drawVolume(chart, bars, palette);
  const lines = AVERAGES.map(([n, name]) => drawAverage(chart, bars, n, palette[name]));
  drawNetBuying(chart, flow, palette);
  if (signal) drawSignal(chart, candles, drawn, palette);
  drawMarkers(candles, drawn, palette);
  share(chart);
  const names = [t("stock.volume"), t("stock.flow.foreign"), t("stock.flow.inst")];
  for (const [n, pane] of chart.panes().slice(1).entries()) name(pane, names[n], palette.text);
  const first = Math.max(0, bars.length - days);
  chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
    root.dataset.first = range ? bars[Math.max(0, Math.ceil(range.from))]?.date ?? "" : "";
  });
  chart.timeScale().setVisibleLogicalRange(drawn.range ?? { from: first, to: bars.length + 7 });
  const say = (/** @type {number} */ at) => drawLegend(legend, bars, at, lines);
  say(bars.length - 1);
  const places = new Map(bars.map((bar, n) => [bar.date, n]));
  chart.subscribeCrosshairMove((at) => say(places.get(String(at.time)) ?? bars.length - 1));
  root.dataset.bars = String(bars.length);
  root.dataset.panes = String(chart.panes().length);
  const close = () => {
    const range = chart.timeScale().getVisibleLogicalRange();
    chart.remove();
    return range;
  };
  return { close };
}

/** @param {Drawn} drawn */
function summary({ bars }) {
  const last = bars[bars.length - 1];
  const values = { n: bars.length, from: bars[0].date, to: last.date, close: whole(last.close) };
  return `${t("stock.chart")}: ${t("stock.chart.summary", values)}`;
}

/** @param {IChartApi} chart @param {Bar[]} bars @param {Record<string, string>} palette */
function drawVolume(chart, bars, palette) {
  const series = chart.addSeries(HistogramSeries, { ...quiet, priceFormat: { type: "volume" } }, VOLUME);
  series.setData(bars.map((bar) => ({
    time: bar.date,
    value: bar.volume,
    color: bar.open === null || bar.close >= bar.open ? palette.upSoft : palette.downSoft,
  })));
}

/** @param {IChartApi} chart @param {Bar[]} bars @param {number} n @param {string} color */
function drawAverage(chart, bars, n, color) {
  const values = average(bars, n);
  const series = chart.addSeries(LineSeries, { ...quiet, color, lineWidth: 1 });
  series.setData(bars.flatMap((bar, at) => {
    const value = values[at];
    return value === null ? [] : [{ time: bar.date, value }];
  }));
  return { n, values, color };
}

/** @param {IChartApi} chart @param {FlowPoint[]} flow @param {Record<string, string>} palette */
function drawNetBuying(chart, flow, palette) {
  const draw = (/** @type {"foreign_net_amount" | "inst_net_amount"} */ name, /** @type {number} */ pane) => {
    const known = flow.filter((point) => point[name] !== null);
    if (!known.length) return;
    const series = chart.addSeries(HistogramSeries, {
      ...quiet,
      priceFormat: { type: "custom", formatter: won, minMove: 1 },
    }, pane);
    series.setData(known.map((point) => {
      const value = point[name] ?? 0;
      return { time: point.date, value, color: value >= 0 ? palette.upSoft : palette.downSoft };
    }));
  };
  draw("foreign_net_amount", FOREIGN);
  draw("inst_net_amount", INSTITUTIONS);
}

/**
 * Entry, target and stop; for a vcp its contractions and pivot.
 * @param {IChartApi} chart
 * @param {ISeriesApi<"Candlestick">} candles
 * @param {Drawn} drawn
 * @param {Record<string, string>} palette
 */
function drawSignal(chart, candles, drawn, palette) {
  const { bars, signal } = drawn;
  if (!signal) return;
  const factor = factorOf(drawn.bars, drawn.asTraded, signal.session);
  const level = (/** @type {number | null} */ price, /** @type {string} */ title, /** @type {string} */ color) => {
    if (price === null) return;
    const words = innerWidth < 600 ? "" : title;
    const shown = { price: price * factor, title: words, color, lineWidth: /** @type {1} */ (1) };
    candles.createPriceLine({ ...shown, lineStyle: LineStyle.Dashed, axisLabelVisible: true });
  };
  level(signal.target_price, t("col.target"), palette.target);
  level(signal.entry_price, t("col.entry"), palette.entry);
  level(signal.stop_price, t("col.stop"), palette.stop);
  const pattern = signal.parts.pattern;
  const legs = contractionsOf(bars, pattern?.contractions ?? []);
  if (!legs.points.length) return;
  const zigzag = chart.addSeries(LineSeries, { ...quiet, color: palette.pattern, lineWidth: 2 });
  zigzag.setData(legs.points);
  createSeriesMarkers(zigzag, legs.lows.map(({ time, depth }) => ({
    time,
    position: "belowBar",
    shape: "circle",
    size: 0.5,
    color: palette.pattern,
    text: `−${number(depth * 100, 1)} %`,
  })));
  const end = bars[bars.length - 1].date;
  if (pattern?.pivot && legs.pivotOn < end) {
    const value = pattern.pivot * factor;
    const pivot = chart.addSeries(LineSeries, {
      ...quiet, color: palette.pattern, lineWidth: 1, lineStyle: LineStyle.LargeDashed, title: innerWidth < 600 ? "" : t("stock.pivot"),
    });
    pivot.setData([{ time: legs.pivotOn, value }, { time: end, value }]);
  }
  const root = chart.chartElement().closest(".chart");
  if (root instanceof HTMLElement) root.dataset.contractions = String(legs.lows.length);
}

/** @param {ISeriesApi<"Candlestick">} candles @param {Drawn} drawn @param {Record<string, string>} palette */
function drawMarkers(candles, { bars, signals, signal }, palette) {
  const dates = new Set(bars.map((bar) => bar.date));
  const sorted = signals.filter((one) => dates.has(one.session)).reverse();
  createSeriesMarkers(candles, sorted.map((one) => ({
    time: one.session,
    position: "aboveBar",
    shape: one === signal ? "arrowDown" : "circle",
    size: one === signal ? 1 : 0.4,
    color: palette[one.signal_type],
    text: one === signal ? `${t(`scanner.${one.signal_type}`)} ${one.grade}` : "",
  })));
}

/** @param {IPaneApi<Time>} pane @param {string} text @param {string} color */
function name(pane, text, color) {
  createTextWatermark(pane, { horzAlign: "left", vertAlign: "top", lines: [{ text, color, fontSize: 11 }] });
}

/** How tall each pane is. @param {IChartApi} chart */
function share(chart) {
  const [, ...others] = chart.panes();
  chart.panes()[0].setStretchFactor(6);
  for (const pane of others) pane.setStretchFactor(1);
}

/**
 * @param {HTMLElement} legend
 * @param {Bar[]} bars
 * @param {number} at
 * @param {{n: number, values: (number | null)[], color: string}[]} lines
 */
function drawLegend(legend, bars, at, lines) {
  const bar = bars[at];
  const before = bars[at - 1]?.close;
  const change = before ? (bar.close / before - 1) * 100 : null;
  refill(legend,
    h("b", {}, bar.date),
    h("span", {}, `O ${whole(bar.open)}  H ${whole(bar.high)}  L ${whole(bar.low)}  C ${whole(bar.close)}`),
    h("span", { class: change && change < 0 ? "down" : "up" }, percent(change, 2)),
    lines.map(({ n, values, color }) => {
      const label = h("span", {}, `${t("stock.average", { n })} ${whole(values[at])}`);
      label.style.color = color;
      return label;
    }),
  );
}
