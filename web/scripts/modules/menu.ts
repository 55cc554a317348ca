/** A `<details>` menu that closes on Escape, on a click elsewhere and when focus leaves it. */

import { need } from "../lib/dom.ts";

export function mount(element: HTMLElement): void {
  if (!(element instanceof HTMLDetailsElement)) throw new Error("the menu module mounts on details");
  document.addEventListener("click", (event) => {
    if (event.target instanceof Node && !element.contains(event.target)) element.open = false;
  });
  element.addEventListener("focusout", (event) => {
    if (event.relatedTarget instanceof Node && !element.contains(event.relatedTarget)) element.open = false;
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !element.open) return;
    element.open = false;
    need(element, "summary").focus();
  });
}
