/** What is drawn on a chart, worked out of bars and a signal's parts. */

/** @import {Bar} from "../lib/types.js" */

/**
 * The plain mean of the closes of `n` traded sessions; null before there are so many.
 * @param {Bar[]} bars
 * @param {number} n
 * @returns {(number | null)[]}
 */
export function average(bars, n) {
  /** @type {number[]} */
  const traded = [];
  let sum = 0;
  return bars.map((bar) => {
    if (bar.open !== null) {
      traded.push(bar.close);
      sum += bar.close;
      if (traded.length > n) sum -= traded[traded.length - n - 1];
    }
    return traded.length < n ? null : sum / n;
  });
}

/**
 * What a price as traded in a session is multiplied by to stand on today's scale.
 * @param {Bar[]} bars on today's scale
 * @param {Bar[]} asTraded
 * @param {string} session
 */
export function factorOf(bars, asTraded, session) {
  const now = bars.find((bar) => bar.date === session);
  const then = asTraded.find((bar) => bar.date === session);
  return now && then && then.close ? now.close / then.close : 1;
}

/**
 * A run of contractions as a line from each high to its low, times rising.
 * @param {Bar[]} bars
 * @param {{high_on: string, low_on: string, depth: number}[]} contractions oldest first
 */
export function contractionsOf(bars, contractions) {
  const by = new Map(bars.map((bar) => [bar.date, bar]));
  /** @type {{time: string, value: number}[]} */
  const points = [];
  const lows = [];
  let pivotOn = "";
  for (const { high_on, low_on, depth } of contractions) {
    const high = by.get(high_on)?.high;
    const low = by.get(low_on)?.low;
    if (!high || !low) continue; // before the first bar shown
    for (const point of [{ time: high_on, value: high }, { time: low_on, value: low }]) {
      const last = points[points.length - 1];
      if (!last || last.time < point.time) points.push(point);
    }
    lows.push({ time: low_on, depth });
    pivotOn = high_on;
  }
  const drawn = new Set(points.map((point) => point.time));
  return { points, lows: lows.filter((low) => drawn.has(low.time)), pivotOn };
}
