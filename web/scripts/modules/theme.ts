/** Light or dark by choice, kept in a cookie; without a choice the system decides. */

import { icon, need } from "../lib/dom.ts";

const YEAR_SECONDS = 31_536_000;

function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen === undefined ? matchMedia("(prefers-color-scheme: dark)").matches : chosen === "dark";
}

function tell(button: HTMLElement): void {
  const other = isDark() ? "light" : "dark";
  button.querySelector("svg")?.replaceWith(icon(other === "light" ? "sun" : "moon"));
  need(button, "span").textContent = other === "light" ? "Light colours" : "Dark colours";
}

export function mount(button: HTMLElement): void {
  tell(button);
  button.addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    document.cookie = `theme=${next}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
    tell(button);
  });
}
