/** Searching Korean names by initial consonants (초성); the server does the same. */

const INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
const FIRST = 0xac00;
const LAST = 0xd7a3;
const EACH = 588;

/**
 * Whether a name contains the text; bare consonants stand for syllables that begin with them.
 * @param {string} name
 * @param {string} text
 */
export function contains(name, text) {
  const letters = [...name.toLowerCase()];
  const wanted = [...text.trim().toLowerCase()];
  const last = letters.length - wanted.length;
  for (let start = 0; start <= last; start++) {
    if (wanted.every((one, n) => matches(letters[start + n], one))) return true;
  }
  return false;
}

/** @param {string} letter @param {string} wanted */
function matches(letter, wanted) {
  return letter === wanted || (INITIALS.includes(wanted) && initial(letter) === wanted);
}

/** @param {string} letter */
function initial(letter) {
  const code = letter.charCodeAt(0);
  return code < FIRST || code > LAST ? null : INITIALS[Math.floor((code - FIRST) / EACH)];
}
