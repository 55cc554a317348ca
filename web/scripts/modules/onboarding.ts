/** Sends the instructor to Stripe's onboarding, and waits a little when they have just come back. */

import { call, sentence } from "../lib/api.ts";
import { need, setBusy, showProblem } from "../lib/dom.ts";

const POLLS_MAX = 20;
const POLL_MS = 750;

interface StripeStatus {
  transfers_active: boolean;
  payouts_enabled: boolean;
}

async function leave(button: HTMLButtonElement): Promise<void> {
  setBusy(button, true);
  const answer = await call<{ url: string }>("POST", "/api/instructor/stripe/onboarding");
  if (answer.ok) {
    location.assign(answer.body.url);
    return;
  }
  setBusy(button, false);
  showProblem(need(document, "[data-onboarding-problem]"), sentence(answer.problem));
}

/** Coming back proves nothing: Stripe tells the server a moment later, so the page asks the server. */
async function waitForStripe(button: HTMLButtonElement): Promise<void> {
  setBusy(button, true);
  for (let poll = 0; poll < POLLS_MAX; poll += 1) {
    const answer = await call<StripeStatus>("GET", "/api/instructor/stripe/status");
    if (answer.ok && answer.body.transfers_active && answer.body.payouts_enabled) {
      location.replace("/teach");
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  setBusy(button, false);
}

export function mount(element: HTMLElement): void {
  if (!(element instanceof HTMLButtonElement)) throw new Error("the onboarding module mounts on a button");
  element.addEventListener("click", () => void leave(element));
  if (element.dataset.account === "yes") void waitForStripe(element);
}
