/** Another card for a lesson whose card was declined: save it, put the lesson on it, confirm with the bank if asked. */

import { call, newKey, sentence } from "../lib/api.ts";
import { need, setBusy, showProblem, told } from "../lib/dom.ts";
import { type Booked, cardStyle } from "../lib/payment.ts";
import { type CardElement, type StripeClient, loadStripe, methodOf } from "../lib/stripe.ts";
import { toastAfterLoad } from "../lib/toasts.ts";

const POLLS_MAX = 20;
const POLL_MS = 400;
const PAID = new Set(["authorized", "captured", "settled"]);
const KEPT = " Nothing was charged; try again or use another card.";

class AnotherCard {
  #stripe: StripeClient | undefined;
  #card: CardElement | undefined;

  constructor(private readonly panel: HTMLElement) {
    const pay = need<HTMLButtonElement>(panel, "[data-pay]");
    const isDue = panel.dataset.due !== undefined;
    need(panel, "[data-pay-form]").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit(pay, isDue ? "Paid, thank you" : "Your lesson is on the new card", () => this.#useCard());
    });
    const confirm = panel.querySelector<HTMLButtonElement>("[data-confirm]");
    confirm?.addEventListener("click", () => {
      void this.#submit(confirm, "Your bank has confirmed; the lesson stays booked", () => this.#useSavedCard());
    });
    void this.#mountCard();
  }

  #tell(text: string): void {
    showProblem(need(this.panel, "[data-pay-problem]"), text);
  }

  async #mountCard(): Promise<void> {
    const box = need(this.panel, "[data-card-box]");
    try {
      this.#stripe = await loadStripe(told(this.panel, "stripeJs"), told(this.panel, "stripeKey"));
    } catch {
      this.#tell("The card form could not be loaded. Your lesson is still booked; reload the page to try again.");
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

  async #submit(button: HTMLButtonElement, done: string, pay: () => Promise<string | undefined>): Promise<void> {
    need(this.panel, "[data-pay-problem]").hidden = true;
    setBusy(button, true);
    const problem = await pay();
    setBusy(button, false);
    if (problem !== undefined) this.#tell(problem);
    else {
      toastAfterLoad(done);
      location.replace(location.pathname);
    }
  }

  /** Why it did not work; nothing when it did. */
  async #useCard(): Promise<string | undefined> {
    if (this.#stripe === undefined || this.#card === undefined) return "The card form is not ready yet. Reload the page.";
    const intent = await call<{ client_secret: string }>("POST", "/api/payments/setup-intent");
    if (!intent.ok) return sentence(intent.problem);
    const saved = await this.#stripe.confirmCardSetup(intent.body.client_secret, { payment_method: { card: this.#card } });
    if (saved.error !== undefined) return (saved.error.message ?? "Your card was not accepted.") + KEPT;
    const method = methodOf(saved);
    return method === undefined ? `Your card was not accepted.${KEPT}` : this.#use(method);
  }

  /** The card that is there already, now that its owner can answer the bank. */
  async #useSavedCard(): Promise<string | undefined> {
    const cards = await call<{ items: { id: string }[] }>("GET", "/api/payments/methods");
    if (!cards.ok) return sentence(cards.problem);
    const [latest] = cards.body.items;
    return latest === undefined ? "Your saved card is gone. Use another one below." : this.#use(latest.id);
  }

  async #use(method: string): Promise<string | undefined> {
    if (this.#stripe === undefined) return "The card form is not ready yet. Reload the page.";
    const answer = await call<Booked>("POST", "/api/payments/update-method", {
      body: { booking_id: told(this.panel, "booking"), payment_method_id: method },
      idempotencyKey: newKey(),
    });
    if (!answer.ok) return sentence(answer.problem);
    const secret = answer.body.payment?.action === "authorize" ? answer.body.payment.client_secret : undefined;
    if (secret == null) return undefined;
    const confirmed = await this.#stripe.confirmCardPayment(secret);
    if (confirmed.error !== undefined) return (confirmed.error.message ?? "Your bank did not confirm.") + KEPT;
    await this.#untilAuthorized();
    return undefined;
  }

  /** The bank has said yes, the marketplace hears of it a moment later. */
  async #untilAuthorized(): Promise<void> {
    for (let poll = 0; poll < POLLS_MAX; poll += 1) {
      const answer = await call<Booked>("GET", `/api/bookings/${told(this.panel, "booking")}`);
      if (answer.ok && PAID.has(answer.body.booking.payment_status ?? "")) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

export function mount(element: HTMLElement): void {
  new AnotherCard(element);
}
