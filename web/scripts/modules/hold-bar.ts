/** The header's countdown of a held time; it goes when the time is up. */

import { need } from "../lib/dom.ts";
import { countdown, now } from "../lib/times.ts";

export function mount(bar: HTMLElement): void {
  const clock = need(bar, "[data-countdown]");
  const tick = (): void => {
    const told = bar.dataset.expires;
    if (bar.hidden || told === undefined || told === "") return;
    const until = new Date(told);
    clock.textContent = countdown(until);
    if (until.getTime() <= now().getTime()) bar.hidden = true;
  };
  tick();
  setInterval(tick, 1000);
}
