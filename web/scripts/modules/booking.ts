/** Booking in three steps on one page: time → pay → done. The summary is always in view. */

import { type Problem, call, newKey, sentence } from "../lib/api.ts";
import { all, need, setBusy, showProblem, told } from "../lib/dom.ts";
import { type Booked, type Booking, PayStep } from "../lib/payment.ts";
import { billOf, cancelWords, chargeWords, emptySummary, showBill, showSummary, termsOf, whenWords } from "../lib/summary.ts";
import { instant } from "../lib/times.ts";
import { toast } from "../lib/toasts.ts";
import { onZone } from "../lib/zones.ts";
import type { Picked } from "./slots.ts";

const MINUTE_MS = 60_000;

type Step = "time" | "pay" | "done";
const LOST = "The time you chose was just taken. Nothing was charged; choose another one.";
const STEPS: readonly Step[] = ["time", "pay", "done"];
const WHERE: Record<string, string> = { online: "Online", in_person: "In person" };

/** The header told of a held time when the page was loaded; it is booked or free by now. */
function hideHold(): void {
  const bar = document.querySelector<HTMLElement>(".hold-bar");
  if (bar !== null) bar.hidden = true;
}

class BookingFlow {
  readonly #summary: HTMLElement;
  readonly #slots: HTMLElement;
  readonly #pay: PayStep;
  #picked: Picked | undefined;

  constructor(private readonly book: HTMLElement) {
    this.#summary = need(book, "[data-summary]");
    this.#slots = need(book, '[data-module="slots"]');
    this.#pay = new PayStep(book, need(book, '[data-step="pay"]'), {
      onDone: (booking) => { this.#done(booking); },
      onOver: (text) => { this.#backToTimes(text); },
    });
    this.#listen();
    if (book.dataset.booking !== undefined) void this.#resume(book.dataset.booking);
    else this.#pickFromAddress();
  }

  #listen(): void {
    const { book } = this;
    book.addEventListener("slot:pick", (event) => { this.#pick((event as CustomEvent<Picked>).detail); });
    book.addEventListener("slot:lost", () => { this.#lost(); });
    for (const radio of all<HTMLInputElement>(book, "[data-durations] input")) {
      radio.addEventListener("change", () => { this.#setMinutes(radio); });
    }
    for (const radio of all<HTMLInputElement>(book, "[data-modalities] input")) {
      radio.addEventListener("change", () => {
        need(this.#summary, "[data-summary-modality]").textContent = WHERE[radio.value] ?? radio.value;
      });
    }
    this.#bookButton()?.addEventListener("click", () => void this.#bookNow());
    const toggle = need(this.#summary, "[data-summary-toggle]");
    toggle.addEventListener("click", () => {
      const isOpen = this.#summary.toggleAttribute("data-open");
      toggle.setAttribute("aria-expanded", String(isOpen));
    });
    onZone(() => { this.#write(); });
  }

  /** The server has pressed the time that the address names, when it is still free. */
  #pickFromAddress(): void {
    const start_at = this.#slots.dataset.picked;
    if (start_at === undefined) return;
    const end = new Date(Date.parse(start_at) + Number(told(this.book, "minutes")) * MINUTE_MS);
    this.#pick({ start_at, end_at: instant(end) });
  }

  #bookButton(): HTMLButtonElement | null {
    return this.#summary.querySelector<HTMLButtonElement>("[data-book]");
  }

  #write(): void {
    if (this.#picked === undefined) emptySummary(this.#summary);
    else showSummary(this.#summary, this.book, new Date(this.#picked.start_at), new Date(this.#picked.end_at));
    const button = this.#bookButton();
    if (button !== null) button.disabled = this.#picked === undefined || told(this.book, "own") === "yes";
  }

  /** The address always says what is chosen, so that signing in or a reload loses nothing. */
  #remember(): void {
    const url = new URL(location.href);
    url.searchParams.set("service", told(this.book, "service"));
    url.searchParams.set("minutes", told(this.book, "minutes"));
    url.searchParams.delete("booking");
    if (this.#picked === undefined) url.searchParams.delete("start");
    else url.searchParams.set("start", this.#picked.start_at);
    history.replaceState(null, "", url);
    const signIn = this.#summary.querySelector<HTMLAnchorElement>("[data-sign-in]");
    if (signIn !== null) signIn.href = `/login?reason=book&next=${encodeURIComponent(url.pathname + url.search)}`;
  }

  #pick(picked: Picked): void {
    this.#picked = picked;
    need(this.book, "[data-time-problem]").hidden = true;
    this.#write();
    this.#remember();
  }

  #lost(): void {
    this.#picked = undefined;
    this.#write();
    this.#remember();
    const banner = need(this.book, "[data-time-problem]");
    need(banner, "p").textContent = LOST;
    banner.hidden = false;
    toast(LOST, "info");
  }

  #setMinutes(radio: HTMLInputElement): void {
    this.book.dataset.minutes = radio.value;
    this.book.dataset.priceCents = told(radio, "priceCents");
    need(this.#summary, "[data-summary-service]").textContent = `${told(this.book, "serviceTitle")}, ${radio.value} min`;
    const bill = showBill(this.#summary, this.book);
    const button = this.#bookButton();
    const isSettled = told(this.book, "card") === "yes" || bill.dueCents === 0;
    if (button !== null) button.textContent = `${isSettled ? "Book" : "Continue"} · ${bill.due}`;
    this.#picked = undefined;
    this.#write();
    this.#remember();
    this.#slots.dispatchEvent(new CustomEvent("slots:minutes", { detail: Number(radio.value) }));
  }

  #modality(): string {
    const chosen = this.book.querySelector<HTMLInputElement>('input[name="modality"]:checked, input[name="modality"][type="hidden"]');
    return chosen?.value ?? "online";
  }

  #keep(start: string | undefined): void {
    this.#slots.dispatchEvent(new CustomEvent("slots:keep", { detail: start }));
  }

  async #bookNow(): Promise<void> {
    const button = this.#bookButton();
    if (this.#picked === undefined || button === null) return;
    const body = {
      instructor_id: told(this.book, "instructor"),
      service_id: told(this.book, "service"),
      start_at: this.#picked.start_at,
      duration_minutes: Number(told(this.book, "minutes")),
      modality: this.#modality(),
      use_credits: true,
    };
    this.#keep(this.#picked.start_at);
    setBusy(button, true);
    const answer = await call<Booked>("POST", "/api/bookings", { body, idempotencyKey: newKey() });
    setBusy(button, false);
    if (answer.ok) await this.#take(answer.body, told(this.book, "card") === "yes");
    else await this.#refused(answer.problem);
  }

  async #take(booked: Booked, hasSavedCard: boolean): Promise<void> {
    if (booked.booking.status === "pending") this.#show("pay");
    await this.#pay.take(booked, hasSavedCard);
  }

  async #refused(problem: Problem): Promise<void> {
    const heldId = problem.body.booking_id;
    if (problem.status === 402 && typeof heldId === "string") {
      await this.#resume(heldId);
      this.#pay.tell(sentence(problem));
      return;
    }
    this.#keep(undefined);
    if (problem.status === 401) {
      location.assign(`/login?reason=book&next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
    if (problem.status === 409) {
      this.#slots.dispatchEvent(new Event("slots:clear"));
      this.#picked = undefined;
      this.#write();
      this.#remember();
    }
    showProblem(need(this.book, "[data-time-problem]"), sentence(problem));
  }

  /** Goes on with a booking that is held already: after a reload, or after a declined card. */
  async #resume(id: string): Promise<void> {
    const answer = await call<Booked>("GET", `/api/bookings/${id}`);
    if (!answer.ok) {
      showProblem(need(this.book, "[data-time-problem]"), sentence(answer.problem));
      return;
    }
    const { start_at, end_at } = answer.body.booking;
    this.#picked = { start_at, end_at };
    this.#keep(start_at);
    this.#write();
    await this.#take(answer.body, false);
  }

  #show(step: Step): void {
    for (const panel of all(this.book, "[data-step]")) panel.hidden = panel.dataset.step !== step;
    const reached = STEPS.indexOf(step);
    for (const [index, name] of STEPS.entries()) {
      const mark = need(this.book, `[data-step-mark="${name}"]`);
      mark.toggleAttribute("data-done", index < reached || step === "done");
      if (index === reached) mark.setAttribute("aria-current", "step");
      else mark.removeAttribute("aria-current");
    }
    need(this.#summary, "[data-summary-actions]").hidden = step !== "time";
    this.#summary.removeAttribute("data-open");
    need(this.#summary, "[data-summary-toggle]").setAttribute("aria-expanded", "false");
    if (step === "time") return;
    const heading = need(this.book, `[data-step="${step}"] h2`);
    heading.focus({ preventScroll: true });
    this.book.scrollIntoView({ block: "start" });
  }

  #backToTimes(text: string): void {
    this.#keep(undefined);
    hideHold();
    this.#slots.dispatchEvent(new Event("slots:clear"));
    this.#picked = undefined;
    this.#write();
    this.#remember();
    this.#show("time");
    if (text === "") toast("The time is free again. Nothing was charged.");
    else showProblem(need(this.book, "[data-time-problem]"), text);
  }

  #done(booking: Booking): void {
    const [start, end] = [new Date(booking.start_at), new Date(booking.end_at)];
    const words = whenWords(start, end, told(this.book, "instructorZone"));
    const terms = termsOf(this.book);
    need(this.book, "[data-done-text]").textContent = `${words.when} (${words.zones}) with ${told(this.book, "instructorName")}.`;
    need(this.book, "[data-done-charge]").textContent = chargeWords(start, end, terms, billOf(this.book).dueCents);
    need(this.book, "[data-done-cancel]").textContent = cancelWords(start, terms);
    this.#show("done");
    hideHold();
    history.replaceState(null, "", location.pathname);
  }
}

export function mount(element: HTMLElement): void {
  new BookingFlow(element);
}
