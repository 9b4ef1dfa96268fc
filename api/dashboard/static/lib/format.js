/** Numbers and moments as people read them. Missing is a dash, never 0. */

import { spoken, t } from "./words.js";

const DASH = "–";
const KOREAN_UNITS = /** @type {const} */ ([[1e12, "조"], [1e8, "억"], [1e4, "만"]]);
const ENGLISH_UNITS = /** @type {const} */ ([[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]]);
const plain = new Intl.NumberFormat("en-US");

/** @typedef {number | null | undefined} Maybe */

/**
 * A whole number with its thousands apart.
 * @param {Maybe} value
 */
export function whole(value) {
  return isNone(value) ? DASH : plain.format(Math.round(value));
}

/**
 * A number with so many decimals.
 * @param {Maybe} value
 * @param {number} decimals
 */
export function number(value, decimals = 1) {
  if (isNone(value)) return DASH;
  return value.toLocaleString("en-US", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

/**
 * A score: whole where it is whole.
 * @param {Maybe} value
 */
export function score(value) {
  return isNone(value) ? DASH : String(Math.round(value * 10) / 10);
}

/**
 * A large sum of won, shortened.
 * @param {Maybe} value
 */
export function won(value) {
  if (isNone(value)) return DASH;
  const units = spoken() === "ko" ? KOREAN_UNITS : ENGLISH_UNITS;
  const size = Math.abs(value);
  const [worth, unit] = units.find(([worth]) => size >= worth) ?? [1, ""];
  const short = value / worth;
  return number(short, unit && Math.abs(short) < 100 ? 1 : 0) + unit;
}

/**
 * A percentage with its sign.
 * @param {Maybe} value percent
 * @param {number} [decimals]
 */
export function percent(value, decimals = 1) {
  if (isNone(value)) return DASH;
  const sign = value > 0 ? "+" : value < 0 ? "−" : "";
  return `${sign}${number(Math.abs(value), decimals)} %`;
}

/**
 * A change in won with its sign.
 * @param {Maybe} value
 */
export function signed(value) {
  if (isNone(value)) return DASH;
  const sign = value > 0 ? "+" : value < 0 ? "−" : "";
  return sign + whole(Math.abs(value));
}

/**
 * The class for a price that moved.
 * @param {Maybe} value
 */
export function direction(value) {
  if (isNone(value) || value === 0) return "";
  return value > 0 ? "up" : "down";
}

/**
 * How far `to` is from `from`, in percent.
 * @param {Maybe} from
 * @param {Maybe} to
 */
export function away(from, to) {
  return isNone(from) || isNone(to) || from === 0 ? null : (to / from - 1) * 100;
}

/**
 * The time of a moment on Seoul's clock, HH:MM.
 * @param {string | null} moment ISO 8601 at +09:00
 */
export function clock(moment) {
  return moment ? inSeoul(new Date(moment)).slice(11, 16) : DASH;
}

/**
 * Date and time of a moment on Seoul's clock.
 * @param {string | null} moment
 */
export function stamp(moment) {
  return moment ? inSeoul(new Date(moment)).slice(0, 16).replace("T", " ") : DASH;
}

/**
 * Month and day of a session.
 * @param {string} session
 */
export function day(session) {
  return session.slice(5);
}

/**
 * A span as 1:02:03, with days in front.
 * @param {number} milliseconds
 */
export function span(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const days = Math.floor(seconds / 86_400);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600) % 24;
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${days ? `${t("days", { n: days })} ` : ""}${hours || days ? `${hours}:` : ""}${rest}`;
}

/**
 * How long ago that was.
 * @param {number} seconds
 */
export function ago(seconds) {
  if (seconds < 60) return t("ago.now");
  if (seconds < 3600) return t("ago.minutes", { n: Math.floor(seconds / 60) });
  if (seconds < 86_400) return t("ago.hours", { n: Math.floor(seconds / 3600) });
  return t("ago.days", { n: Math.floor(seconds / 86_400) });
}

/**
 * The name of an as-of slot.
 * @param {string} slot
 */
export function slotName(slot) {
  return slot === "close" ? t("slot.close") : slot === "final" ? t("slot.final") : slot;
}

/** @param {Date} moment */
function inSeoul(moment) {
  return new Date(moment.getTime() + 9 * 3_600_000).toISOString();
}

/** @param {Maybe} value @returns {value is null | undefined} */
function isNone(value) {
  return value === null || value === undefined;
}
