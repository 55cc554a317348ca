/** The dialog that tells what cancelling costs now and later, and then cancels. */

import { call, newKey, sentence } from "../lib/api.ts";
import { make, need, setBusy, showProblem, told } from "../lib/dom.ts";
import { money } from "../lib/money.ts";
import { write } from "../lib/times.ts";
import { toastAfterLoad } from "../lib/toasts.ts";
import { zone } from "../lib/zones.ts";

interface Tier {
  tier: "free" | "credit" | "full";
  from_at: string;
  until_at: string;
  charged_cents: number;
  credit_cents: number;
}

interface Quote {
  quote_token: string;
  viewer: "student" | "instructor";
  tier: Tier["tier"];
  charged_cents: number;
  credit_cents: number;
  tiers: Tier[];
}

function cost(tier: Tier): string {
  if (tier.tier === "free") return "Free";
  if (tier.tier === "credit") return `${money(tier.credit_cents)} becomes credit`;
  return tier.charged_cents === 0 ? "Your credit is used up" : `${money(tier.charged_cents)} is due`;
}

function consequence(quote: Quote): string {
  if (quote.viewer === "instructor") return "The student pays nothing and is told at once. You are not paid, and the time is free again.";
  if (quote.tier === "free") {
    return quote.credit_cents === 0
      ? "Cancelling now is free. Nothing is charged."
      : `Cancelling now is free, and your credit of ${money(quote.credit_cents)} comes back.`;
  }
  if (quote.tier === "credit") {
    return `Cancelling now turns the price into credit: ${money(quote.credit_cents)} for your next lessons.`;
  }
  if (quote.charged_cents === 0) return "Cancelling now uses up the credit that paid for the lesson.";
  return `Cancelling now costs the full price; ${money(quote.charged_cents)} is taken from your card.`;
}

class CancelDialog {
  #bookingId = "";
  #token: string | undefined;

  constructor(private readonly dialog: HTMLDialogElement) {
    document.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-cancel]") : null;
      if (button !== null) void this.#open(button);
    });
    need(dialog, "[data-cancel-confirm]").addEventListener("click", () => void this.#cancel());
  }

  async #open(button: HTMLElement): Promise<void> {
    this.#bookingId = told(button, "cancel");
    this.#token = undefined;
    need(this.dialog, "[data-cancel-what]").textContent = told(button, "what");
    need(this.dialog, "[data-cancel-consequence]").textContent = told(button, "consequence");
    need(this.dialog, "[data-cancel-tiers]").hidden = true;
    need(this.dialog, "[data-cancel-problem]").hidden = true;
    this.dialog.showModal();
    await this.#ask();
  }

  /** What it costs by the clock of the server, and the token that makes the marketplace stand by it. */
  async #ask(): Promise<void> {
    const answer = await call<Quote>("GET", `/api/bookings/${this.#bookingId}/cancellation-quote`);
    if (answer.ok && this.dialog.open) this.#showQuote(answer.body);
  }

  #showQuote(quote: Quote): void {
    this.#token = quote.quote_token;
    need(this.dialog, "[data-cancel-consequence]").textContent = consequence(quote);
    const list = need(this.dialog, "[data-cancel-tiers]");
    list.replaceChildren(
      ...quote.tiers.map((tier, index) => {
        const isLast = index > 0 && index === quote.tiers.length - 1;
        const until = isLast ? "After that" : `Until ${write(new Date(tier.until_at), zone(), "full")}`;
        const item = make("li", {}, make("span", {}, until), make("span", {}, cost(tier)));
        if (index === 0) item.dataset.now = "";
        return item;
      }),
    );
    list.hidden = quote.viewer === "instructor" || quote.tiers.length < 2;
  }

  async #cancel(): Promise<void> {
    const button = need<HTMLButtonElement>(this.dialog, "[data-cancel-confirm]");
    const reason = need<HTMLTextAreaElement>(this.dialog, "textarea").value.trim();
    const body: Record<string, string> = {};
    if (reason !== "") body.reason = reason;
    if (this.#token !== undefined) body.quote_token = this.#token;
    setBusy(button, true);
    const answer = await call("POST", `/api/bookings/${this.#bookingId}/cancel`, { body, idempotencyKey: newKey() });
    if (answer.ok) {
      toastAfterLoad("Lesson cancelled");
      location.reload();
      return;
    }
    setBusy(button, false);
    showProblem(need(this.dialog, "[data-cancel-problem]"), sentence(answer.problem));
    if (answer.problem.code === "quote-expired") await this.#ask();
  }
}

export function mount(element: HTMLElement): void {
  if (!(element instanceof HTMLDialogElement)) throw new Error("the cancel module mounts on a dialog");
  new CancelDialog(element);
}
