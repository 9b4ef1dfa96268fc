/** Asking the API. What it refuses is a Problem; what never arrives is one too. */

export class Problem extends Error {
  /**
   * @param {number} status 0: the server can't be reached
   * @param {string} detail
   * @param {string | null} [requestId]
   * @param {number | null} [retryAfter] seconds
   */
  constructor(status, detail, requestId = null, retryAfter = null) {
    super(detail);
    this.status = status;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

/** Hears of every answer that says a key is needed. */
export const door = new EventTarget();

/**
 * One answer of the API and the address of its next page.
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<{data: any, next: string | null}>}
 */
export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await (asked(path) ?? fetch(path, { credentials: "same-origin", ...options }));
    options.signal?.throwIfAborted();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "");
  }
  if (!answer.ok) throw await problem(answer);
  const data = answer.status === 204 ? null : await answer.json();
  return { data, next: nextPage(answer.headers.get("link")) };
}

/**
 * What boot.js asked for already, once.
 * @param {string} path
 * @returns {Promise<Response> | undefined}
 */
function asked(path) {
  /** @type {Map<string, Promise<Response>> | undefined} */
  const early = /** @type {any} */ (globalThis).early;
  const answer = early?.get(path);
  early?.delete(path);
  return answer;
}

/**
 * The data of one answer.
 * @param {string} path
 * @param {RequestInit} [options]
 */
export async function get(path, options) {
  return (await ask(path, options)).data;
}

/**
 * The same, or null where there is nothing (404).
 * @param {string} path
 * @param {RequestInit} [options]
 */
export async function maybe(path, options) {
  try {
    return await get(path, options);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

/**
 * Exchange a key for a session cookie.
 * @param {string} key
 */
export async function logIn(key) {
  const headers = { "content-type": "application/json" };
  await ask("/session", { method: "POST", headers, body: JSON.stringify({ key }) });
}

export async function logOut() {
  await ask("/session", { method: "DELETE" });
}

/** @param {Response} answer */
async function problem(answer) {
  let said = { detail: answer.statusText, request_id: null };
  try {
    said = await answer.json();
  } catch {
    // Not one of our problems: its status says enough.
  }
  const wait = Number(answer.headers.get("retry-after")) || null;
  const found = new Problem(answer.status, said.detail, said.request_id, wait);
  if (answer.status === 401 && new URL(answer.url).pathname !== "/session") {
    door.dispatchEvent(new Event("closed"));
  }
  return found;
}

/** @param {string | null} link */
function nextPage(link) {
  return /<([^>]+)>;\s*rel="next"/.exec(link ?? "")?.[1] ?? null;
}
