/** Opening windows of a weekday or a date in the page: read, check, add, replace. */

import { lengthOf, hours, readClock, writeClock } from "./clock-times.ts";
import { all, need, stamp } from "./dom.ts";

export interface Span {
  opens: number;
  closes: number;
}

interface Row {
  element: HTMLElement;
  span: Span | undefined;
}

const inputOf = (row: HTMLElement, which: "opens" | "closes"): HTMLInputElement =>
  need<HTMLInputElement>(row, `[data-${which}]`);

function readRow(element: HTMLElement): Row {
  const opens = readClock(inputOf(element, "opens").value);
  const closes = readClock(inputOf(element, "closes").value);
  const isWhole = opens !== undefined && closes !== undefined && opens < 24 * 60;
  return { element, span: isWhole ? { opens, closes } : undefined };
}

function say(row: HTMLElement, error: string, note = ""): void {
  need(row, "[data-window-error]").textContent = error;
  need(row, "[data-window-note]").textContent = note;
  for (const which of ["opens", "closes"] as const) {
    if (error === "") inputOf(row, which).removeAttribute("aria-invalid");
    else inputOf(row, which).setAttribute("aria-invalid", "true");
  }
}

function noteOf({ opens, closes }: Span): string {
  const length = hours(lengthOf(opens, closes));
  if (closes > opens) return length;
  return closes === opens ? "24 h" : `${length}, until the next day`;
}

function overlaps(one: Span, other: Span): boolean {
  return one.opens < other.opens + lengthOf(other.opens, other.closes) && other.opens < one.opens + lengthOf(one.opens, one.closes);
}

export function rowsOf(place: HTMLElement): HTMLElement[] {
  return all(place, "[data-window]");
}

/** The spans of a place, each row told what is wrong with it. `undefined` when a row is not usable. */
export function readSpans(place: HTMLElement): Span[] | undefined {
  const good: Span[] = [];
  let isFine = true;
  for (const { element, span } of rowsOf(place).map(readRow)) {
    if (span === undefined) {
      say(element, "Write times like 09:00 and 17:30.");
      isFine = false;
    } else if (good.some((other) => overlaps(span, other))) {
      say(element, "This window overlaps another one.");
      isFine = false;
    } else {
      say(element, "", noteOf(span));
      good.push(span);
    }
  }
  return isFine ? good.sort((one, other) => one.opens - other.opens) : undefined;
}

/** Writes the times in their usual form once a field is left. */
export function tidy(input: HTMLInputElement): void {
  const minutes = readClock(input.value);
  if (minutes !== undefined) input.value = writeClock(minutes);
}

export function addWindow(place: HTMLElement, span: Span, label: string): HTMLElement {
  const row = stamp("template[data-window-template]");
  inputOf(row, "opens").value = writeClock(span.opens);
  inputOf(row, "closes").value = writeClock(span.closes);
  inputOf(row, "opens").setAttribute("aria-label", `${label} from`);
  inputOf(row, "closes").setAttribute("aria-label", `${label} until`);
  need(place, ".windows").append(row);
  return row;
}

export function setWindows(place: HTMLElement, spans: Span[], label: string): void {
  for (const row of rowsOf(place)) row.remove();
  for (const span of spans) addWindow(place, span, label);
}

/** After the last window of the day: an hour later, two hours long, as far as the day goes. */
export function nextSpan(spans: Span[]): Span {
  const last = spans.at(-1);
  if (last === undefined) return { opens: 9 * 60, closes: 17 * 60 };
  const opens = Math.min(last.opens + lengthOf(last.opens, last.closes) + 60, 22 * 60);
  return { opens, closes: Math.min(opens + 120, 24 * 60) };
}
