/** The weekly editor: windows a weekday, copy a day, exceptions by date, booking rules, one save with a version. */

import { call, sentence } from "../lib/api.ts";
import { hours, lengthOf, writeClock } from "../lib/clock-times.ts";
import { all, make, need, setBusy, showProblem, stamp, told } from "../lib/dom.ts";
import { dateWords } from "../lib/times.ts";
import { toast } from "../lib/toasts.ts";
import { paintWeek } from "../lib/week-paint.ts";
import { everyZone } from "../lib/zones.ts";
import { type Span, addWindow, nextSpan, readSpans, rowsOf, setWindows, tidy } from "../lib/windows.ts";

interface Window {
  opens: string;
  closes: string;
}

const wire = (span: Span): Window => ({ opens: writeClock(span.opens), closes: writeClock(span.closes) });

function targetOf(event: Event, selector: string): HTMLElement | null {
  return event.target instanceof Element ? event.target.closest<HTMLElement>(selector) : null;
}

class AvailabilityEditor {
  #version: number;
  #isDirty = false;

  constructor(private readonly form: HTMLFormElement) {
    this.#version = Number(told(form, "version"));
    form.addEventListener("click", (event) => { this.#click(event); });
    form.addEventListener("input", (event) => { this.#input(event); });
    form.addEventListener("change", (event) => { this.#change(event); });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#save();
    });
    need(form, "[data-undo]").addEventListener("click", () => { this.#reload(); });
    need(form, "[data-reload]").addEventListener("click", () => { this.#reload(); });
    need<HTMLDialogElement>(document, "[data-copy-dialog]").addEventListener("close", () => { this.#copy(); });
    window.addEventListener("beforeunload", (event) => {
      if (this.#isDirty) event.preventDefault();
    });
    this.#fillZones();
    this.#paint();
  }

  #fillZones(): void {
    const select = need<HTMLSelectElement>(this.form, "[data-calendar-zone]");
    select.addEventListener("focus", () => {
      const others = everyZone().filter((zone) => zone !== select.value);
      select.append(...others.map((zone) => make("option", { value: zone }, zone.replaceAll("_", " "))));
    }, { once: true });
  }

  #reload(): void {
    this.#isDirty = false;
    location.reload();
  }

  #places(): HTMLElement[] {
    return all(this.form, ".weekday, .exception");
  }

  #placeOf(element: HTMLElement): HTMLElement {
    const place = element.closest<HTMLElement>(".weekday, .exception");
    if (place === null) throw new Error("a window stands outside a day");
    return place;
  }

  #label(place: HTMLElement): string {
    return need(place, ".switch, .exception-date").textContent.trim();
  }

  #click(event: Event): void {
    const add = targetOf(event, "[data-window-add]");
    const remove = targetOf(event, "[data-window-remove]");
    const copy = targetOf(event, "[data-day-copy]");
    const drop = targetOf(event, "[data-exception-remove]");
    if (add !== null) this.#addWindow(this.#placeOf(add));
    else if (remove !== null) this.#removeWindow(remove);
    else if (copy !== null) this.#askCopy(this.#placeOf(copy));
    else if (drop !== null) {
      this.#placeOf(drop).remove();
      this.#changed();
    } else if (targetOf(event, "[data-exception-add]") !== null) this.#addException();
  }

  /** The switch of a day becomes windows before anything is painted: painting sets switches. */
  #input(event: Event): void {
    const { target } = event;
    if (!(target instanceof HTMLElement) || target.matches("[data-exception-date]")) return;
    if (target instanceof HTMLInputElement && target.matches("[data-day-open]")) {
      const place = this.#placeOf(target);
      setWindows(place, target.checked ? [nextSpan([])] : [], this.#label(place));
    }
    this.#changed();
  }

  #change(event: Event): void {
    const { target } = event;
    if (!(target instanceof HTMLInputElement) || !target.matches("[data-opens], [data-closes]")) return;
    tidy(target);
    this.#changed();
  }

  #addWindow(place: HTMLElement): void {
    const row = addWindow(place, nextSpan(readSpans(place) ?? []), this.#label(place));
    this.#changed();
    need<HTMLInputElement>(row, "[data-opens]").select();
  }

  #removeWindow(button: HTMLElement): void {
    const place = this.#placeOf(button);
    button.closest("[data-window]")?.remove();
    this.#changed();
    need(place, "[data-window-add]").focus();
  }

  #askCopy(place: HTMLElement): void {
    const dialog = need<HTMLDialogElement>(document, "[data-copy-dialog]");
    const from = told(place, "weekday");
    dialog.dataset.from = from;
    dialog.returnValue = "";
    need(dialog, "[data-copy-from]").textContent = this.#label(place);
    for (const box of all<HTMLInputElement>(dialog, "input")) {
      box.checked = box.value !== from && Number(box.value) < 5;
      box.disabled = box.value === from;
    }
    dialog.showModal();
  }

  #copy(): void {
    const dialog = need<HTMLDialogElement>(document, "[data-copy-dialog]");
    if (dialog.returnValue !== "copy") return;
    const source = need(this.form, `[data-weekday="${told(dialog, "from")}"]`);
    const spans = readSpans(source);
    if (spans === undefined) return;
    for (const box of all<HTMLInputElement>(dialog, "input:checked")) {
      const place = need(this.form, `[data-weekday="${box.value}"]`);
      setWindows(place, spans, this.#label(place));
    }
    this.#changed();
  }

  #addException(): void {
    const input = need<HTMLInputElement>(this.form, "[data-exception-date]");
    const date = input.value;
    if (date === "" || !input.checkValidity()) {
      input.reportValidity();
      input.focus();
      return;
    }
    const known = this.form.querySelector<HTMLElement>(`[data-exception="${date}"]`);
    if (known === null) this.#insertException(date);
    else known.scrollIntoView({ block: "center" });
    input.value = "";
  }

  #insertException(date: string): void {
    const words = dateWords(date);
    const element = stamp("template[data-exception-template]");
    element.dataset.exception = date;
    need(element, ".exception-date").textContent = `${words.weekday} ${words.day} ${words.month} ${date.slice(0, 4)}`;
    const list = need(this.form, "[data-exceptions]");
    const later = all(list, ".exception").find((one) => told(one, "exception") > date);
    list.insertBefore(element, later ?? null);
    this.#changed();
    need(element, "[data-window-add]").focus();
  }

  #changed(): void {
    this.#isDirty = true;
    delete need(this.form, "[data-save-bar]").dataset.clean;
    this.#paint();
  }

  /** Brings notes, switches, totals and the picture in line with the fields. */
  #paint(): void {
    for (const place of this.#places()) {
      const isClosed = rowsOf(place).length === 0;
      need(place, "[data-closed-note]").hidden = !isClosed;
      const toggle = place.querySelector<HTMLInputElement>("[data-day-open]");
      if (toggle !== null) toggle.checked = !isClosed;
    }
    need(this.form, "[data-no-exceptions]").hidden = this.form.querySelector(".exception") !== null;
    const week = all(this.form, ".weekday").map((day) => readSpans(day) ?? []);
    for (const place of all(this.form, ".exception")) readSpans(place);
    const total = week.flat().reduce((sum, span) => sum + lengthOf(span.opens, span.closes), 0);
    need(this.form, "[data-week-total]").textContent = `${hours(total)} a week`;
    paintWeek(need(this.form, "[data-week-paint]"), week);
  }

  #policy(): Record<string, unknown> {
    const policy = JSON.parse(told(this.form, "policy")) as Record<string, unknown>;
    for (const select of all<HTMLSelectElement>(this.form, "[data-policy-field]")) {
      const name = told(select, "policyField");
      if (select.value === "") policy[name] = null;
      else policy[name] = Number(select.value);
    }
    return policy;
  }

  /** The whole calendar as the API takes it; `undefined` while a window is not usable. */
  #body(): Record<string, unknown> | undefined {
    const weekly: (Window & { weekday: number })[] = [];
    const exceptions: { date: string; windows: Window[] }[] = [];
    for (const place of this.#places()) {
      const spans = readSpans(place);
      if (spans === undefined) return undefined;
      const date = place.dataset.exception;
      if (date === undefined) weekly.push(...spans.map((span) => ({ weekday: Number(told(place, "weekday")), ...wire(span) })));
      else exceptions.push({ date, windows: spans.map(wire) });
    }
    return {
      time_zone: need<HTMLSelectElement>(this.form, "[data-calendar-zone]").value,
      weekly,
      exceptions,
      policy: this.#policy(),
      if_version: this.#version,
    };
  }

  async #save(): Promise<void> {
    const banner = need(this.form, "[data-problem]");
    banner.hidden = true;
    const body = this.#body();
    if (body === undefined) {
      this.form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
      return;
    }
    const button = need<HTMLButtonElement>(this.form, 'button[type="submit"]');
    setBusy(button, true);
    const answer = await call<{ version: number }>("PUT", "/api/instructor/availability", { body });
    setBusy(button, false);
    if (answer.ok) {
      this.#version = answer.body.version;
      this.#isDirty = false;
      need(this.form, "[data-save-bar]").dataset.clean = "";
      toast("Availability saved");
      return;
    }
    const details = answer.problem.errors.map((error) => error.detail).join(" ");
    need(this.form, "[data-reload]").hidden = answer.problem.code !== "calendar-changed";
    showProblem(banner, details === "" ? sentence(answer.problem) : details);
  }
}

export function mount(element: HTMLElement): void {
  if (!(element instanceof HTMLFormElement)) throw new Error("the availability module mounts on a form");
  new AvailabilityEditor(element);
}
