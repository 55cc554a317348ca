/** "Show" beside a password. */

import { need } from "../lib/dom.ts";

export function mount(element: HTMLElement): void {
  const input = need<HTMLInputElement>(element, "input");
  const button = need<HTMLButtonElement>(element, "button");
  button.hidden = false;
  button.addEventListener("click", () => {
    const isShown = input.type === "password";
    input.type = isShown ? "text" : "password";
    button.textContent = isShown ? "Hide" : "Show";
    button.setAttribute("aria-pressed", String(isShown));
    input.focus();
  });
}
