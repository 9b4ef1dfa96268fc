/** Where in the page we are: `#/stock/005930?grade=S,A`. What is in the address can be shared. */

/** @typedef {{page: string, argument: string, query: URLSearchParams}} Place */

/** @returns {Place} */
export function here() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [page, argument = ""] = path.split("/");
  return { page: page || "signals", argument: safely(argument), query: new URLSearchParams(query) };
}

/**
 * The address of a place.
 * @param {string} page
 * @param {string} [argument]
 * @param {URLSearchParams} [query]
 */
export function address(page, argument = "", query = new URLSearchParams()) {
  const path = argument ? `${page}/${encodeURIComponent(argument)}` : page;
  const rest = query.toString().replaceAll("%2C", ",");
  return `#/${path}${rest ? `?${rest}` : ""}`;
}

/**
 * Change the query of the place we are at without a new entry in the history.
 * @param {URLSearchParams} query
 */
export function replaceQuery(query) {
  const { page, argument } = here();
  history.replaceState(history.state, "", address(page, argument, query));
}

/** @param {string} text */
function safely(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
