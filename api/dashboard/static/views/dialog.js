/** A dialog: what is in it, a title, and a way out. */

import { h } from "../lib/dom.js";
import { t } from "../lib/words.js";

/**
 * Show a dialog; it is gone once it is closed.
 * @param {string} title
 * @param {...Node} children
 */
export function openDialog(title, ...children) {
  document.querySelector("dialog[open]")?.remove();
  const close = h("button", { type: "button", class: "icon", "aria-label": t("action.close") }, "✕");
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" },
    h("header", {}, h("h2", { id: "dialog-title" }, title), close),
    ...children,
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
