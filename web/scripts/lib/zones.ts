/** The reader's zone: chosen once, kept in a cookie, and nothing else with it. */

import { type Format, write } from "./times.ts";

const YEAR_SECONDS = 31_536_000;
const changed = new EventTarget();

/** Names that some browsers still use for what the zone database calls otherwise today. */
const MODERN: Record<string, string> = {
  "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
  "America/Godthab": "America/Nuuk",
  "Asia/Calcutta": "Asia/Kolkata",
  "Asia/Katmandu": "Asia/Kathmandu",
  "Asia/Rangoon": "Asia/Yangon",
  "Asia/Saigon": "Asia/Ho_Chi_Minh",
  "Atlantic/Faeroe": "Atlantic/Faroe",
  "Europe/Kiev": "Europe/Kyiv",
};

const modern = (name: string): string => MODERN[name] ?? name;

let current = document.documentElement.dataset.zone ?? "UTC";

export function zone(): string {
  return current;
}

export function browserZone(): string {
  return modern(Intl.DateTimeFormat().resolvedOptions().timeZone);
}

/** Every zone that the browser knows, in order. */
export function everyZone(): string[] {
  return Intl.supportedValuesOf("timeZone").map(modern).sort();
}

function cookieZone(): string | undefined {
  const found = /(?:^|; )zone=([^;]+)/.exec(document.cookie)?.[1];
  return found === undefined ? undefined : decodeURIComponent(found);
}

function rewriteTimes(): void {
  for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-format]")) {
    element.textContent = write(new Date(element.dateTime), current, element.dataset.format as Format);
  }
}

export function chooseZone(next: string): void {
  document.cookie = `zone=${encodeURIComponent(next)}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  if (next === current) return;
  current = next;
  document.documentElement.dataset.zone = next;
  rewriteTimes();
  changed.dispatchEvent(new Event("zone"));
}

export function onZone(listener: () => void): void {
  changed.addEventListener("zone", listener);
}

/** On the first visit of a browser its own zone is taken; a signed-in person's zone is the server's word. */
export function adoptBrowserZone(): void {
  for (const input of document.querySelectorAll<HTMLInputElement>("[data-browser-zone]")) input.value = browserZone();
  if (cookieZone() === undefined && document.documentElement.dataset.zoneOf !== "viewer") chooseZone(browserZone());
}
