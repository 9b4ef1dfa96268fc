/** What the user chose for this browser. */

import { browsersLanguage, speak } from "../lib/words.js";

const KEY = "closebell.prefs";

/**
 * @typedef {object} Chosen
 * @property {"en" | "ko"} [language] else the browser's
 * @property {"light" | "dark"} [theme] else the system's
 * @property {"western"} [colours] else Korean
 * @property {boolean} [sectors] all of them shown
 */

export class Prefs extends EventTarget {
  constructor() {
    super();
    /** @type {Chosen} */
    this.chosen = read();
    this.#apply();
  }

  /** @param {Partial<Chosen>} change */
  set(change) {
    this.chosen = { ...this.chosen, ...change };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.chosen));
    } catch {
      // Closed storage: the choice holds until the page is left.
    }
    this.#apply();
    this.dispatchEvent(new Event("change"));
  }

  #apply() {
    const { dataset } = document.documentElement;
    speak(this.chosen.language ?? browsersLanguage());
    if (this.chosen.theme) dataset.theme = this.chosen.theme;
    else delete dataset.theme;
    if (this.chosen.colours) dataset.colours = this.chosen.colours;
    else delete dataset.colours;
  }
}

/** @returns {Chosen} */
function read() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return {
      language: found.language === "ko" || found.language === "en" ? found.language : undefined,
      theme: found.theme === "light" || found.theme === "dark" ? found.theme : undefined,
      colours: found.colours === "western" ? "western" : undefined,
      sectors: found.sectors === true,
    };
  } catch {
    return {};
  }
}
