/** The page's colours as a canvas needs them, and how all charts look. */

// @ts-types="../vendor/lightweight-charts.d.ts"
import { ColorType, CrosshairMode } from "../vendor/lightweight-charts.js";

/** @returns {Record<string, string>} */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    up: of("up"),
    down: of("down"),
    upSoft: of("up-soft"),
    downSoft: of("down-soft"),
    text: of("muted"),
    line: of("line"),
    ground: of("panel"),
    entry: of("accent"),
    target: of("target"),
    stop: of("stop"),
    pattern: of("pattern"),
    vcp: of("pattern"),
    daytrading: of("accent"),
    closing_bet: of("grade-s"),
    ma20: of("ma20"),
    ma50: of("ma50"),
    ma150: of("ma150"),
    ma200: of("ma200"),
  };
}

/** @param {Record<string, string>} palette */
export function chartOptions(palette) {
  return {
    autoSize: true,
    layout: {
      background: { type: ColorType.Solid, color: palette.ground },
      textColor: palette.text,
      fontSize: 11,
      // Its logo would need inline styles; the page links to TradingView beside every chart.
      attributionLogo: false,
      panes: { separatorColor: palette.line, separatorHoverColor: palette.line, enableResize: false },
    },
    grid: { vertLines: { color: palette.line }, horzLines: { color: palette.line } },
    rightPriceScale: { borderColor: palette.line },
    timeScale: { borderColor: palette.line, rightOffset: 8 },
    crosshair: { mode: CrosshairMode.Normal },
    localization: { dateFormat: "yyyy-MM-dd" },
  };
}
