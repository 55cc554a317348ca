/** Short words about done things, at the bottom of the page. */

import { icon, make, need } from "./dom.ts";

const SHOWN_MS = 5000;
const LEAVING_MS = 200;
const KEPT = "toast-after-load";

export function toast(text: string, kind: "done" | "info" = "done"): void {
  const shelf = need(document, "[data-toasts]");
  const element = make("div", { class: "toast" }, icon(kind === "done" ? "circle_check" : "info"), make("span", {}, text));
  shelf.append(element);
  setTimeout(() => {
    element.dataset.leaving = "";
    setTimeout(() => { element.remove(); }, LEAVING_MS);
  }, SHOWN_MS);
}

/** A toast that shows on the next page: for writes that end in a reload. */
export function toastAfterLoad(text: string): void {
  sessionStorage.setItem(KEPT, text);
}

export function showKeptToast(): void {
  const text = sessionStorage.getItem(KEPT);
  if (text === null) return;
  sessionStorage.removeItem(KEPT);
  toast(text);
}
