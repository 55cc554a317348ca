/**
 * Free times, live. The server's page is the first picture; a subscription keeps it true.
 * Tells the page `slot:pick` and `slot:lost`; hears `slots:keep` (our own hold), `slots:clear`, `slots:minutes`.
 */

import { call } from "../lib/api.ts";
import { all, need, told } from "../lib/dom.ts";
import { LiveSlots, type RemovedSlot, type Slot } from "../lib/live.ts";
import { SlotGrid } from "../lib/slot-grid.ts";
import { addDays, dateWords, instant, localDate, now, startOfDate, write } from "../lib/times.ts";
import { toast } from "../lib/toasts.ts";
import { onZone, zone } from "../lib/zones.ts";

const DAYS = 7;
const SEARCH_DAYS = 61;
const ANNOUNCE_MS = 800;
const QUIET_LOSS_MS = 1500;
const SWIPE_PX = 56;
const MINUTE_MS = 60_000;

export interface Picked {
  start_at: string;
  end_at: string;
}

class Slots {
  readonly #grid: SlotGrid;
  readonly #live: LiveSlots;
  #starts: Set<string>;
  #minutes: number;
  #firstDate: string;
  #picked: string | undefined;
  #kept: string | undefined;
  #wish: string | undefined;
  #heard: string[] = [];
  #announceTimer = 0;
  #lostTimer = 0;

  constructor(private readonly root: HTMLElement) {
    this.#grid = new SlotGrid(root, told(root, "zone"));
    this.#starts = new Set(all(root, "[data-start]").map((button) => told(button, "start")));
    this.#minutes = Number(told(root, "minutes"));
    this.#firstDate = told(root, "firstDate");
    this.#picked = root.dataset.picked;
    this.#live = new LiveSlots({
      onSnapshot: (slots) => { this.#replace(slots); },
      onDelta: (added, removed) => { this.#change(added, removed); },
      onState: (state) => { this.#tellState(state); },
    });
    this.#listen();
    if (zone() === told(root, "zone")) this.#watch(told(root, "from"), Number(told(root, "version")));
    else this.#goTo(localDate(new Date(Math.max(now().getTime(), Date.parse(told(root, "from")))), zone()));
    this.#offerNextFree();
  }

  #listen(): void {
    const { root } = this;
    const grid = need<HTMLFormElement>(root, "[data-week-grid]");
    grid.addEventListener("submit", (event) => {
      event.preventDefault();
      if (event.submitter instanceof HTMLButtonElement) this.#pick(event.submitter);
    });
    grid.addEventListener("keydown", (event) => {
      if (event.target instanceof HTMLButtonElement && this.#grid.moveFocus(event.target, event.key)) event.preventDefault();
    });
    need(root, "[data-day-strip]").addEventListener("click", (event) => {
      const tab = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-date]") : null;
      if (tab !== null) this.#showDay(told(tab, "date"));
    });
    for (const arrow of all(root, "[data-week]")) {
      arrow.addEventListener("click", (event) => {
        event.preventDefault();
        if (arrow.getAttribute("aria-disabled") !== "true") this.#goTo(addDays(this.#firstDate, Number(told(arrow, "week")) * DAYS));
      });
    }
    need(root, "[data-next-free]").addEventListener("click", () => void this.#nextFree());
    root.addEventListener("slots:keep", (event) => { this.#kept = (event as CustomEvent<string | undefined>).detail; });
    root.addEventListener("slots:clear", () => { this.#clear(); });
    root.addEventListener("slots:minutes", (event) => { this.#setMinutes((event as CustomEvent<number>).detail); });
    onZone(() => { this.#goTo(localDate(startOfDate(this.#firstDate, zone()), zone())); });
    this.#listenToSwipes(grid);
  }

  #listenToSwipes(grid: HTMLElement): void {
    let from: number | undefined;
    grid.addEventListener("touchstart", (event) => { from = event.touches[0]?.clientX; }, { passive: true });
    grid.addEventListener("touchend", (event) => {
      const to = event.changedTouches[0]?.clientX;
      if (from === undefined || to === undefined || !this.#grid.isNarrow() || Math.abs(to - from) < SWIPE_PX) return;
      const step = to < from ? 1 : -1;
      if (this.#grid.stepDay(step)) this.#offerNextFree();
      else if (step === 1 || !this.#isFirstWeek()) this.#goTo(addDays(this.#firstDate, step * DAYS), step === 1 ? undefined : addDays(this.#firstDate, -1));
    }, { passive: true });
  }

  #dates(): string[] {
    return Array.from({ length: DAYS }, (_, index) => addDays(this.#firstDate, index));
  }

  #isFirstWeek(): boolean {
    return this.#firstDate <= localDate(now(), zone());
  }

  #watch(from: string, version?: number): void {
    this.#live.watch(
      {
        instructor_id: told(this.root, "instructor"),
        service_id: told(this.root, "service"),
        duration_minutes: this.#minutes,
        from,
        to: instant(startOfDate(addDays(this.#firstDate, DAYS), zone())),
      },
      version,
    );
  }

  /** Shows the week that begins on a date; what was there stays, dimmed, until the answer comes. */
  #goTo(firstDate: string, wish?: string): void {
    const today = localDate(now(), zone());
    this.#firstDate = firstDate < today ? today : firstDate;
    this.#wish = wish;
    const [first, last] = [dateWords(this.#firstDate), dateWords(addDays(this.#firstDate, DAYS - 1))];
    need(this.root, "[data-week-label]").textContent = `${first.day} ${first.month} – ${last.day} ${last.month}`;
    need(this.root, '[data-week="-1"]').setAttribute("aria-disabled", String(this.#isFirstWeek()));
    need(this.root, "[data-week-grid]").dataset.stale = "";
    this.#watch(instant(startOfDate(this.#firstDate, zone())));
  }

  #setMinutes(minutes: number): void {
    this.#minutes = minutes;
    this.#clear();
    this.#goTo(this.#firstDate, this.#grid.current());
  }

  #replace(slots: Slot[]): void {
    this.#starts = new Set(slots.map((slot) => slot.start_at));
    delete need(this.root, "[data-week-grid]").dataset.stale;
    const wish = this.#wish ?? (this.#picked === undefined ? undefined : localDate(new Date(this.#picked), zone()));
    this.#grid.draw(this.#dates(), this.#starts, zone(), this.#picked, wish);
    this.#wish = undefined;
    if (this.#picked !== undefined && !this.#starts.has(this.#picked) && this.#kept !== this.#picked && this.#isInWeek(this.#picked)) this.#lose(this.#picked, "booked");
    this.#offerNextFree();
  }

  #isInWeek(start: string): boolean {
    const date = localDate(new Date(start), zone());
    return date >= this.#firstDate && date < addDays(this.#firstDate, DAYS);
  }

  #change(added: Slot[], removed: RemovedSlot[]): void {
    for (const slot of removed) {
      this.#starts.delete(slot.start_at);
      if (slot.start_at === this.#kept) continue;
      this.#grid.remove(slot.start_at, slot.reason);
      if (slot.start_at === this.#picked) this.#lose(slot.start_at, slot.reason);
      this.#announce(slot.start_at, slot.reason === "closed" ? "is no longer offered" : "was just taken");
    }
    for (const slot of added) {
      this.#starts.add(slot.start_at);
      this.#grid.add(slot.start_at);
      this.#announce(slot.start_at, "is free again");
    }
    this.#offerNextFree();
  }

  #announce(start: string, what: string): void {
    this.#heard.push(`${write(new Date(start), zone(), "full")} ${what}.`);
    clearTimeout(this.#announceTimer);
    this.#announceTimer = window.setTimeout(() => {
      const text = this.#heard.length > 3 ? `${this.#heard.length} times changed.` : this.#heard.join(" ");
      need(this.root, "[data-announce]").textContent = text;
      this.#heard = [];
    }, ANNOUNCE_MS);
  }

  #pick(button: HTMLButtonElement): void {
    if (button.dataset.gone !== undefined) return;
    this.#picked = told(button, "start");
    this.#grid.press(this.#picked);
    const end = instant(new Date(Date.parse(this.#picked) + this.#minutes * MINUTE_MS));
    const detail: Picked = { start_at: this.#picked, end_at: end };
    this.root.dispatchEvent(new CustomEvent("slot:pick", { bubbles: true, detail }));
  }

  #lose(start: string, reason: RemovedSlot["reason"]): void {
    this.#picked = undefined;
    this.root.dispatchEvent(new CustomEvent("slot:lost", { bubbles: true, detail: { start, reason } }));
  }

  #clear(): void {
    this.#picked = undefined;
    this.#kept = undefined;
    this.#grid.press(undefined);
  }

  #showDay(date: string): void {
    this.#grid.showDay(date);
    this.#offerNextFree();
  }

  /** A connection that heals at once is not worth a word; failed tries to heal it do not put the word off. */
  #tellState(state: "live" | "lost"): void {
    const badge = need(this.root, "[data-live-state]");
    const tell = (): void => {
      badge.dataset.state = state;
      badge.textContent = state === "live" ? "Live" : "Reconnecting";
    };
    if (state === "live") {
      clearTimeout(this.#lostTimer);
      this.#lostTimer = 0;
      tell();
    } else if (this.#lostTimer === 0) this.#lostTimer = window.setTimeout(tell, QUIET_LOSS_MS);
  }

  #offerNextFree(): void {
    const isEmpty = this.#grid.freeCount(this.#grid.isNarrow() ? this.#grid.current() : undefined) === 0;
    need(this.root, "[data-next-free]").hidden = !isEmpty;
  }

  async #nextFree(): Promise<void> {
    const after = startOfDate(addDays(this.#grid.isNarrow() ? this.#grid.current() : this.#firstDate, 1), zone());
    const here = [...this.#starts].sort().find((start) => Date.parse(start) >= after.getTime());
    if (here !== undefined) {
      this.#grid.focus(here);
      this.#offerNextFree();
      return;
    }
    const from = startOfDate(addDays(this.#firstDate, DAYS), zone());
    const query = new URLSearchParams({
      service_id: told(this.root, "service"),
      duration_minutes: String(this.#minutes),
      from: instant(from),
      to: instant(new Date(from.getTime() + SEARCH_DAYS * 24 * 60 * MINUTE_MS)),
    });
    const answer = await call<{ slots: Slot[] }>("GET", `/api/instructors/${told(this.root, "instructor")}/slots?${query}`);
    const next = answer.ok ? answer.body.slots[0] : undefined;
    if (next === undefined) toast("No free times in the two months after this.", "info");
    else this.#goTo(localDate(new Date(next.start_at), zone()));
  }
}

export function mount(element: HTMLElement): void {
  new Slots(element);
}
