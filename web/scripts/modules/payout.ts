/** An instant payout: what Stripe would pay now with its price, then one press. */

import { call, newKey, sentence } from "../lib/api.ts";
import { need, setBusy, showProblem } from "../lib/dom.ts";
import { money } from "../lib/money.ts";
import { toastAfterLoad } from "../lib/toasts.ts";

interface Quote {
  amount_cents: number;
  fee_cents: number;
  net_cents: number;
  currency: string;
}

interface Quotes {
  quotes: Quote[];
  reason: string | null;
}

class Payout {
  readonly #button: HTMLButtonElement;
  readonly #key = newKey();
  #quote: Quote | undefined;

  constructor(private readonly root: HTMLElement) {
    this.#button = need<HTMLButtonElement>(root, "[data-payout-ask]");
    this.#button.addEventListener("click", () => void this.#ask());
    void this.#load();
  }

  #tell(text: string): void {
    need(this.root, "[data-payout-state]").textContent = text;
  }

  async #load(): Promise<void> {
    const answer = await call<Quotes>("GET", "/api/payments/instant-payout");
    if (!answer.ok) {
      this.#tell(sentence(answer.problem));
      return;
    }
    const [best] = [...answer.body.quotes].sort((one, other) => other.net_cents - one.net_cents);
    if (best === undefined) this.#tell(`Nothing can be paid out at once now: ${answer.body.reason ?? "there is nothing to pay out"}.`);
    else this.#show(best);
  }

  #show(quote: Quote): void {
    this.#quote = quote;
    this.#tell("Within minutes instead of days.");
    const lines = need(this.root, "[data-payout-quote]");
    need(lines, "[data-quote-amount]").textContent = money(quote.amount_cents, quote.currency);
    need(lines, "[data-quote-fee]").textContent = money(quote.fee_cents, quote.currency);
    need(lines, "[data-quote-net]").textContent = money(quote.net_cents, quote.currency);
    lines.hidden = false;
    this.#button.hidden = false;
  }

  async #ask(): Promise<void> {
    if (this.#quote === undefined) return;
    need(this.root, "[data-payout-problem]").hidden = true;
    setBusy(this.#button, true);
    const body = { amount_cents: this.#quote.amount_cents };
    const answer = await call<{ net_cents: number }>("POST", "/api/payments/instant-payout", { body, idempotencyKey: this.#key });
    setBusy(this.#button, false);
    if (answer.ok) {
      toastAfterLoad(`${money(answer.body.net_cents)} is on its way to your bank`);
      location.reload();
    } else showProblem(need(this.root, "[data-payout-problem]"), sentence(answer.problem));
  }
}

export function mount(element: HTMLElement): void {
  new Payout(element);
}
