/** The pay step: the card form, the hold's countdown, and the words with Stripe. */

import { type Answer, type Problem, call, newKey, sentence } from "./api.ts";
import { need, setBusy, showProblem, told } from "./dom.ts";
import { type CardElement, type StripeClient, loadStripe, methodOf } from "./stripe.ts";
import { countdown, now } from "./times.ts";

const SETTLE_POLLS_MAX = 20;
const SETTLE_POLL_MS = 400;
/** Somebody else is at this booking, Stripe's word of it for one: what became of it is read. */
const IN_MOTION: ReadonlySet<string> = new Set(["booking-state", "operation-pending", "idempotency-key-in-use"]);

export interface Booking {
  id: string;
  status: string;
  outcome: string | null;
  start_at: string;
  end_at: string;
  payment_status: string | null;
  hold_expires_at: string | null;
}

export interface Payment {
  action: "none" | "setup" | "authorize";
  client_secret?: string | null;
}

export interface Booked {
  booking: Booking;
  payment?: Payment | null;
}

interface Ends {
  onDone(booking: Booking): void;
  onOver(text: string): void;
}

/** The card form lies in Stripe's frame, so it is told our colours instead of inheriting them. */
export function cardStyle(box: HTMLElement): Record<string, unknown> {
  const { color } = getComputedStyle(box);
  return { base: { color, iconColor: color, fontSize: "16px" } };
}

export class PayStep {
  #card: CardElement | undefined;
  #stripe: StripeClient | undefined;
  #booking: Booking | undefined;
  #payment: Payment | undefined;
  #ticker = 0;

  constructor(
    private readonly book: HTMLElement,
    private readonly panel: HTMLElement,
    private readonly ends: Ends,
  ) {
    need(panel, "[data-pay-form]").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#pay();
    });
    need(panel, "[data-give-up]").addEventListener("click", () => void this.#giveUp());
  }

  /** Takes the answer of a booking: done, or the card form; a saved card's challenge is shown first. */
  async take(booked: Booked, hasSavedCard: boolean): Promise<void> {
    this.#booking = booked.booking;
    this.#payment = booked.payment ?? undefined;
    if (booked.booking.status !== "pending") {
      this.#settle(booked.booking);
      return;
    }
    this.#startCountdown();
    const isChallenge = hasSavedCard && this.#payment?.action === "authorize";
    need<HTMLButtonElement>(this.panel, "[data-pay]").textContent = this.#payment?.action === "authorize" ? "Pay and book" : "Save card and book";
    await this.#mountCard();
    if (isChallenge) await this.#confirmWithStripe({ withCard: false });
  }

  tell(text: string): void {
    showProblem(need(this.panel, "[data-pay-problem]"), text);
  }

  async #mountCard(): Promise<void> {
    const box = need(this.panel, "[data-card-box]");
    if (this.#card !== undefined) return;
    try {
      this.#stripe = await loadStripe(told(this.book, "stripeJs"), told(this.book, "stripeKey"));
    } catch {
      this.tell("The card form could not be loaded. Your time is still held; reload the page to try again.");
      return;
    }
    this.#card = this.#stripe.elements().create("card", { style: cardStyle(box) });
    this.#card.on("ready", () => { delete box.dataset.waiting; });
    this.#card.on("change", (change) => {
      need(this.panel, "[data-card-error]").textContent = change.error?.message ?? "";
    });
    this.#card.mount(box);
    need<HTMLButtonElement>(this.panel, "[data-pay]").disabled = false;
  }

  async #pay(): Promise<void> {
    const button = need<HTMLButtonElement>(this.panel, "[data-pay]");
    need(this.panel, "[data-pay-problem]").hidden = true;
    need(this.panel, "[data-card-error]").textContent = "";
    setBusy(button, true);
    await this.#confirmWithStripe({ withCard: true });
    setBusy(button, false);
  }

  async #confirmWithStripe(how: { withCard: boolean }): Promise<void> {
    const secret = this.#payment?.client_secret;
    if (this.#stripe === undefined || this.#card === undefined || secret == null) {
      this.tell("The card form is not ready yet. Reload the page; your time stays held.");
      return;
    }
    const data = { payment_method: { card: this.#card } };
    const isSetup = this.#payment?.action === "setup";
    const answer = isSetup
      ? await this.#stripe.confirmCardSetup(secret, data)
      : await this.#stripe.confirmCardPayment(secret, how.withCard ? data : undefined);
    if (answer.error !== undefined) {
      const why = answer.error.message ?? "Your card was not accepted.";
      this.tell(`${why} Nothing was charged and your time is still held; try again or use another card.`);
      return;
    }
    await this.#confirm(isSetup ? methodOf(answer) : undefined);
  }

  async #confirm(method: string | undefined): Promise<void> {
    const path = `/api/bookings/${this.#booking?.id ?? ""}/confirm`;
    const body = method === undefined ? {} : { payment_method_id: method };
    const answer = await call<Booked>("POST", path, { body, idempotencyKey: newKey() });
    if (!answer.ok) await this.#refused(answer.problem);
    else if (answer.body.booking.status !== "pending") this.#settle(answer.body.booking);
    else if (answer.body.payment?.action === "authorize" && method !== undefined) {
      this.#payment = answer.body.payment;
      await this.#confirmWithStripe({ withCard: false });
    } else await this.#waitUntilSettled();
  }

  /** The bank has said yes, the marketplace hears of it a moment later. */
  async #waitUntilSettled(): Promise<void> {
    for (let poll = 0; poll < SETTLE_POLLS_MAX; poll += 1) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MS));
      const answer: Answer<Booked> = await call<Booked>("GET", `/api/bookings/${this.#booking?.id ?? ""}`);
      if (answer.ok && answer.body.booking.status !== "pending") {
        this.#settle(answer.body.booking);
        return;
      }
    }
    this.tell("Your bank has not answered yet. Your time is still held; look at My lessons in a moment.");
  }

  async #refused(problem: Problem): Promise<void> {
    if (IN_MOTION.has(problem.code)) await this.#waitUntilSettled();
    else if (problem.code === "hold-expired" || problem.status === 409) this.#over(sentence(problem));
    else this.tell(sentence(problem));
  }

  #settle(booking: Booking): void {
    if (booking.status === "confirmed") {
      this.#stop();
      this.ends.onDone(booking);
    } else this.#over("This time is no longer held for you. Nothing was charged; choose a time once more.");
  }

  #over(text: string): void {
    this.#stop();
    this.ends.onOver(text);
  }

  async #giveUp(): Promise<void> {
    const button = need<HTMLButtonElement>(this.panel, "[data-give-up]");
    setBusy(button, true);
    const answer = await call("POST", `/api/bookings/${this.#booking?.id ?? ""}/cancel`, { body: {} });
    setBusy(button, false);
    if (answer.ok || answer.problem.status === 409) this.#over("");
    else this.tell(sentence(answer.problem));
  }

  #startCountdown(): void {
    clearInterval(this.#ticker);
    const told = this.#booking?.hold_expires_at;
    if (told == null) return;
    const until = new Date(told);
    const clock = need(this.panel, "[data-hold-countdown]");
    const tick = (): void => {
      clock.textContent = countdown(until);
      if (until.getTime() <= now().getTime()) this.#over("The time was held for too long and is free again. Nothing was charged; choose a time once more.");
    };
    tick();
    this.#ticker = window.setInterval(tick, 1000);
  }

  #stop(): void {
    clearInterval(this.#ticker);
    this.#card?.unmount();
    this.#card = undefined;
    need<HTMLButtonElement>(this.panel, "[data-pay]").disabled = true;
    need(this.panel, "[data-pay-problem]").hidden = true;
  }
}
