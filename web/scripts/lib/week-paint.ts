/** Seven lanes painted where the week is open: a picture of what the fields say. */

import { DAY_MINUTES, lengthOf } from "./clock-times.ts";
import { make } from "./dom.ts";
import type { Span } from "./windows.ts";

const NAMES = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;
const MARKS = [0, 6, 12, 18, 24] as const;

function percent(minutes: number): string {
  return `${(minutes * 100) / DAY_MINUTES}%`;
}

function block(opens: number, length: number): HTMLElement {
  const paint = make("div", { class: "paint" });
  paint.style.insetBlockStart = percent(opens);
  paint.style.blockSize = percent(length);
  return paint;
}

function hoursColumn(): HTMLElement {
  const column = make("div", { class: "hours" });
  for (const hour of MARKS) {
    const mark = make("span", {}, String(hour).padStart(2, "0"));
    mark.style.insetBlockStart = percent(hour * 60);
    column.append(mark);
  }
  return column;
}

export function paintWeek(place: HTMLElement, week: Span[][]): void {
  const lanes = NAMES.map(() => make("div", { class: "lane" }));
  for (const [day, spans] of week.entries()) {
    for (const { opens, closes } of spans) {
      const length = lengthOf(opens, closes);
      lanes[day]?.append(block(opens, Math.min(length, DAY_MINUTES - opens)));
      const spill = opens + length - DAY_MINUTES;
      if (spill > 0) lanes[(day + 1) % 7]?.append(block(0, spill));
    }
  }
  const heads = NAMES.map((name) => make("div", { class: "lane-head" }, name));
  place.replaceChildren(make("div"), ...heads, hoursColumn(), ...lanes);
}
