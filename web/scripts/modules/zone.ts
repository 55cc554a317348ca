/**
 * The picker of the reader's zone: the likely ones first, then every zone the browser knows.
 * With `data-reload` the server writes the page anew: its sentences hold times too.
 */

import { make, need } from "../lib/dom.ts";
import { city, now, write } from "../lib/times.ts";
import { browserZone, chooseZone, everyZone, onZone, zone } from "../lib/zones.ts";

function nameOf(one: string): string {
  return `${city(one)} · ${write(now(), one, "clock")}`;
}

function group(label: string, zones: string[]): HTMLOptGroupElement {
  return make("optgroup", { label }, ...zones.map((one) => make("option", { value: one }, nameOf(one))));
}

export function mount(element: HTMLElement): void {
  const select = need<HTMLSelectElement>(element, "select");
  const near = [...new Set([zone(), browserZone()])];
  select.replaceChildren(group("Near you", near));
  select.value = zone();
  const fill = (): void => {
    const others = everyZone().filter((one) => !near.includes(one));
    const byRegion = Map.groupBy(others, (one) => one.split("/")[0] ?? "Other");
    for (const [region, zones] of byRegion) select.append(group(region, zones));
  };
  select.addEventListener("focus", fill, { once: true });
  select.addEventListener("pointerdown", () => { select.focus(); }, { once: true });
  select.addEventListener("change", () => {
    chooseZone(select.value);
    if (element.dataset.reload !== undefined) location.reload();
  });
  onZone(() => { select.value = zone(); });
}
