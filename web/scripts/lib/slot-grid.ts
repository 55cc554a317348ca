/** Draws seven days of free times and changes single times in place. It knows nothing of the network. */

import type { RemovedSlot } from "./live.ts";
import { all, make, need } from "./dom.ts";
import { type Part, dateWords, localDate, partOfDay, write } from "./times.ts";

const LEAVES_AFTER_MS = 2000;
const ARRIVES_MS = 700;
const PARTS: readonly [Part, string][] = [["morning", "Morning"], ["afternoon", "Afternoon"], ["evening", "Evening"]];

const GONE_WORDS: Record<RemovedSlot["reason"], string> = {
  held: "Just taken",
  booked: "Just taken",
  closed: "Closed",
  passed: "Passed",
};

export class SlotGrid {
  readonly #grid: HTMLFormElement;
  readonly #strip: HTMLElement;
  #dates: string[];
  #zone: string;
  #current: string;

  constructor(root: HTMLElement, zone: string) {
    this.#grid = need<HTMLFormElement>(root, "[data-week-grid]");
    this.#strip = need(root, "[data-day-strip]");
    this.#zone = zone;
    this.#dates = all(this.#grid, ".day").map((day) => day.dataset.date ?? "");
    this.#current = this.#grid.querySelector<HTMLElement>(".day[data-current]")?.dataset.date ?? this.#dates[0] ?? "";
    this.#rove(this.picked() ?? this.#free()[0]);
  }

  /** True while one day is shown at a time, as on phones. */
  isNarrow(): boolean {
    return getComputedStyle(this.#strip).display !== "none";
  }

  current(): string {
    return this.#current;
  }

  draw(dates: string[], starts: Iterable<string>, zone: string, picked: string | undefined, wish?: string): void {
    this.#dates = dates;
    this.#zone = zone;
    const byDate = Map.groupBy([...starts].sort(), (start) => localDate(new Date(start), zone));
    for (const old of all(this.#grid, ".day, .week-empty")) old.remove();
    this.#grid.append(...dates.map((date) => this.#day(date, byDate.get(date) ?? [], picked)));
    this.#strip.replaceChildren(...dates.map((date) => this.#stripButton(date)));
    const firstFree = dates.find((date) => byDate.has(date));
    this.showDay(wish !== undefined && dates.includes(wish) ? wish : (firstFree ?? dates[0] ?? ""));
    this.#count();
    this.#rove(this.picked() ?? this.#free()[0]);
  }

  #day(date: string, starts: string[], picked: string | undefined): HTMLElement {
    const words = dateWords(date);
    const byPart = Map.groupBy(starts, (start) => partOfDay(new Date(start), this.#zone));
    const head = make("h3", {}, make("span", {}, words.weekday), " ", make("b", {}, words.day), make("span", { class: "month" }, ` ${words.month}`));
    const parts = PARTS.map(([part, label]) => {
      const items = (byPart.get(part) ?? []).map((start) => this.#item(start, start === picked));
      const list = make("ul", { class: "slot-list" }, ...items);
      return make("div", { class: "day-part", "data-part": part, hidden: items.length === 0 }, make("h4", {}, label), list);
    });
    const empty = make(
      "p",
      { class: "day-empty", "data-day-empty": true },
      make("span", { class: "short", "aria-hidden": "true" }, "–"),
      make("span", { class: "long" }, "Nothing free this day."),
    );
    const label = `${words.weekday} ${words.day} ${words.month}`;
    return make("section", { class: "day", "data-date": date, "aria-label": label }, head, ...parts, empty);
  }

  #item(start: string, isPicked: boolean): HTMLLIElement {
    const button = make(
      "button",
      { class: "slot", name: "start", value: start, "data-start": start, "aria-pressed": String(isPicked), tabindex: "-1" },
      write(new Date(start), this.#zone, "clock"),
    );
    return make("li", {}, button);
  }

  #stripButton(date: string): HTMLButtonElement {
    const words = dateWords(date);
    const button = make("button", { type: "button", "data-date": date, "aria-pressed": "false" }, words.weekday, make("b", {}, words.day));
    return button;
  }

  #free(root: ParentNode = this.#grid): HTMLButtonElement[] {
    return all<HTMLButtonElement>(root, ".slot:not([data-gone])");
  }

  #dayOf(date: string): HTMLElement | null {
    return this.#grid.querySelector<HTMLElement>(`.day[data-date="${date}"]`);
  }

  button(start: string): HTMLButtonElement | null {
    return this.#grid.querySelector<HTMLButtonElement>(`[data-start="${start}"]`);
  }

  /** How many free times the day shows; without a date, the whole week. */
  freeCount(date?: string): number {
    const root = date === undefined ? this.#grid : this.#dayOf(date);
    return root === null ? 0 : this.#free(root).length;
  }

  #count(): void {
    for (const date of this.#dates) {
      const day = this.#dayOf(date);
      const count = this.freeCount(date);
      day?.toggleAttribute("data-free", count > 0);
      const empty = day?.querySelector<HTMLElement>("[data-day-empty]");
      if (empty != null) empty.hidden = count > 0;
      const tab = this.#strip.querySelector<HTMLElement>(`[data-date="${date}"]`);
      tab?.toggleAttribute("data-free", count > 0);
      tab?.setAttribute("aria-label", `${day?.getAttribute("aria-label") ?? date}, ${count} free`);
    }
    for (const label of all(this.#grid, ".part-label")) {
      const part = label.dataset.part ?? "";
      label.hidden = this.#grid.querySelector(`.day-part[data-part="${part}"] li`) === null;
    }
  }

  showDay(date: string): void {
    this.#current = date;
    for (const day of all(this.#grid, ".day")) day.toggleAttribute("data-current", day.dataset.date === date);
    for (const tab of all(this.#strip, "button")) {
      tab.setAttribute("aria-pressed", String(tab.dataset.date === date));
    }
  }

  /** The day before or after the shown one, if it is in this week. */
  stepDay(step: -1 | 1): boolean {
    const next = this.#dates[this.#dates.indexOf(this.#current) + step];
    if (next === undefined) return false;
    this.showDay(next);
    return true;
  }

  picked(): HTMLButtonElement | undefined {
    return this.#grid.querySelector<HTMLButtonElement>('.slot[aria-pressed="true"]') ?? undefined;
  }

  press(start: string | undefined): void {
    for (const button of all(this.#grid, ".slot")) {
      button.setAttribute("aria-pressed", String(button.dataset.start === start));
    }
    const button = start === undefined ? null : this.button(start);
    if (button !== null) this.#rove(button);
  }

  /** Says what became of a time, then leaves its place empty: nothing else moves. */
  remove(start: string, reason: RemovedSlot["reason"]): void {
    const button = this.button(start);
    if (button === null) return;
    button.dataset.gone = reason;
    button.setAttribute("aria-disabled", "true");
    button.setAttribute("aria-pressed", "false");
    button.textContent = GONE_WORDS[reason];
    this.#count();
    setTimeout(() => { this.#leave(button); }, LEAVES_AFTER_MS);
  }

  #leave(button: HTMLButtonElement): void {
    if (button.dataset.gone === undefined) return;
    if (document.activeElement === button) this.#neighbour(button)?.focus();
    if (button.tabIndex === 0) this.#rove(this.#neighbour(button));
    button.parentElement?.setAttribute("data-left", "");
  }

  #neighbour(button: HTMLButtonElement): HTMLButtonElement | undefined {
    const day = button.closest<HTMLElement>(".day");
    const start = button.dataset.start ?? "";
    const near = day === null ? [] : this.#free(day);
    return near.find((one) => (one.dataset.start ?? "") > start) ?? near.at(-1) ?? this.#free()[0];
  }

  /** A time comes back to its place, or takes the place that its clock time gives it. */
  add(start: string): void {
    const old = this.button(start);
    if (old !== null) {
      delete old.dataset.gone;
      old.removeAttribute("aria-disabled");
      old.parentElement?.removeAttribute("data-left");
      old.textContent = write(new Date(start), this.#zone, "clock");
      this.#arrive(old);
    } else this.#insert(start);
    this.#count();
  }

  #insert(start: string): void {
    const at = new Date(start);
    const part = this.#dayOf(localDate(at, this.#zone))?.querySelector<HTMLElement>(`[data-part="${partOfDay(at, this.#zone)}"]`);
    if (part == null) return;
    const item = this.#item(start, false);
    const later = all<HTMLElement>(part, ".slot").find((one) => (one.dataset.start ?? "") > start)?.parentElement;
    need(part, "ul").insertBefore(item, later ?? null);
    part.hidden = false;
    this.#arrive(item.firstElementChild as HTMLButtonElement);
  }

  #arrive(button: HTMLButtonElement): void {
    button.dataset.arriving = "";
    setTimeout(() => { delete button.dataset.arriving; }, ARRIVES_MS);
  }

  #rove(target: HTMLButtonElement | undefined): void {
    for (const button of all(this.#grid, ".slot")) button.tabIndex = button === target ? 0 : -1;
  }

  focus(start: string): void {
    const button = this.button(start);
    if (button === null) return;
    this.showDay(localDate(new Date(start), this.#zone));
    this.#rove(button);
    button.focus();
  }

  /** Arrow keys: up and down within a day, left and right to the nearest time of the next free day. */
  moveFocus(from: HTMLButtonElement, key: string): boolean {
    const day = from.closest<HTMLElement>(".day");
    if (day === null) return false;
    const column = this.#free(day);
    const index = column.indexOf(from);
    const targets: Record<string, () => HTMLButtonElement | undefined> = {
      ArrowDown: () => column[index + 1],
      ArrowUp: () => column[index - 1],
      Home: () => column[0],
      End: () => column.at(-1),
      ArrowLeft: () => this.#across(from, day, -1),
      ArrowRight: () => this.#across(from, day, 1),
    };
    const find = targets[key];
    if (find === undefined) return false;
    const target = find();
    if (target !== undefined) this.focus(target.dataset.start ?? "");
    return true;
  }

  #across(from: HTMLButtonElement, day: HTMLElement, step: -1 | 1): HTMLButtonElement | undefined {
    const minutesOf = (button: HTMLButtonElement): number => {
      const [hour, minute] = write(new Date(button.dataset.start ?? ""), this.#zone, "clock").split(":");
      return Number(hour) * 60 + Number(minute);
    };
    const wish = minutesOf(from);
    for (let i = this.#dates.indexOf(day.dataset.date ?? "") + step; i >= 0 && i < this.#dates.length; i += step) {
      const other = this.#dayOf(this.#dates[i] ?? "");
      const [nearest] = (other === null ? [] : this.#free(other)).sort(
        (one, two) => Math.abs(minutesOf(one) - wish) - Math.abs(minutesOf(two) - wish),
      );
      if (nearest !== undefined) return nearest;
    }
    return undefined;
  }
}
