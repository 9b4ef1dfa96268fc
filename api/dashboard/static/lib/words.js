/** The page's language: its words and its way of writing numbers and times. */

import { en } from "../words/en.js";
import { ko } from "../words/ko.js";

/** @typedef {keyof typeof en} Key */
/** @typedef {"en" | "ko"} Language */

const LANGUAGES = { en, ko };

/**
 * What the browser asks for first of what there is.
 * @returns {Language}
 */
export function browsersLanguage() {
  const first = navigator.languages.map((l) => l.slice(0, 2)).find((l) => l in LANGUAGES);
  return first === "ko" ? "ko" : "en";
}

let language = browsersLanguage();

/** @param {Language} chosen */
export function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
}

export function spoken() {
  return language;
}

/**
 * The words of a key, its {places} filled.
 * @param {Key} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  return LANGUAGES[language][key].replace(/\{(\w+)\}/g, (place, name) =>
    name in values ? String(values[name]) : place,
  );
}

/**
 * The words of a key made of parts, or the last part itself where there are none.
 * @param {string} kind
 * @param {string} name
 */
export function word(kind, name) {
  const key = /** @type {Key} */ (`${kind}.${name}`);
  return Object.hasOwn(en, key) ? t(key) : name;
}
