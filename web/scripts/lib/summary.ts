/** The summary beside the times: who, what, when in both zones, price, what is charged when, cancelling. */

import { all, need, told } from "./dom.ts";
import { creditUsed, money } from "./money.ts";
import { city, haveSameClock, now, write } from "./times.ts";
import { zone } from "./zones.ts";

const MINUTE_MS = 60_000;

export interface Terms {
  authorizeMinutes: number;
  freeMinutes: number;
  creditMinutes: number;
  captureMinutes: number;
  undoMinutes: number;
  undoLeadMinutes: number;
}

export function termsOf(book: HTMLElement): Terms {
  const minutes = (key: string): number => Number(told(book, key));
  return {
    authorizeMinutes: minutes("authorizeMinutes"),
    freeMinutes: minutes("freeMinutes"),
    creditMinutes: minutes("creditMinutes"),
    captureMinutes: minutes("captureMinutes"),
    undoMinutes: minutes("undoMinutes"),
    undoLeadMinutes: minutes("undoLeadMinutes"),
  };
}

function shifted(at: Date, minutes: number): string {
  return write(new Date(at.getTime() + minutes * MINUTE_MS), zone(), "full");
}

export interface Bill {
  price: string;
  credit: string;
  creditCents: number;
  due: string;
  dueCents: number;
}

/** The price, what credit pays of it, and what is left for the card. */
export function billOf(book: HTMLElement): Bill {
  const [priceCents, currency] = [Number(told(book, "priceCents")), told(book, "currency")];
  const creditCents = creditUsed(priceCents, Number(told(book, "creditCents")));
  const dueCents = priceCents - creditCents;
  return { price: money(priceCents, currency), credit: money(creditCents, currency), creditCents, due: money(dueCents, currency), dueCents };
}

export function showBill(summary: HTMLElement, book: HTMLElement): Bill {
  const bill = billOf(book);
  for (const place of all(summary, "[data-summary-price]")) place.textContent = bill.price;
  need(summary, "[data-summary-due]").textContent = bill.due;
  const credit = need(summary, "[data-summary-credit]");
  credit.hidden = bill.creditCents === 0;
  need(credit, "dd span").textContent = bill.credit;
  return bill;
}

/** What is taken from the card, and when. */
export function chargeWords(start: Date, end: Date, terms: Terms, dueCents: number): string {
  if (dueCents === 0) return "Your credit pays for this lesson. Nothing is taken from a card.";
  const lead = start.getTime() - now().getTime();
  const charged = `charged on ${shifted(end, terms.captureMinutes)}`;
  if (lead < terms.authorizeMinutes * MINUTE_MS) return `Your card is authorised now and ${charged}.`;
  return `Nothing is charged today. Your card is authorised on ${shifted(start, -terms.authorizeMinutes)} and ${charged}.`;
}

export function cancelWords(start: Date, terms: Terms): string {
  const lead = start.getTime() - now().getTime();
  const credit = shifted(start, -terms.creditMinutes);
  if (lead >= terms.freeMinutes * MINUTE_MS) {
    return `Cancel free until ${shifted(start, -terms.freeMinutes)}. Until ${credit} the price becomes credit; later it is due.`;
  }
  if (lead >= terms.creditMinutes * MINUTE_MS) return `Cancel until ${credit} and the price becomes credit; later it is due.`;
  if (lead > terms.undoLeadMinutes * MINUTE_MS) return `The lesson is soon: you can take it back for ${terms.undoMinutes} minutes; after that the full price is due.`;
  return "The lesson is very soon: if you cancel, the full price is due.";
}

/** `Tue 9 Mar, 18:00–19:00`, whose time that is, and the instructor's clock when it differs. */
export function whenWords(start: Date, end: Date, instructorZone: string): { when: string; zones: string } {
  const when = `${write(start, zone(), "full")}–${write(end, zone(), "clock")}`;
  if (haveSameClock(start, zone(), instructorZone)) return { when, zones: `${city(zone())} time` };
  const sameDay = write(start, zone(), "day") === write(start, instructorZone, "day");
  const there = write(start, instructorZone, sameDay ? "clock" : "full");
  return { when, zones: `${city(zone())} time · ${there} in ${city(instructorZone)}` };
}

export function showSummary(summary: HTMLElement, book: HTMLElement, start: Date, end: Date): void {
  const terms = termsOf(book);
  const words = whenWords(start, end, told(book, "instructorZone"));
  const when = need(summary, "[data-summary-when]");
  when.textContent = words.when;
  delete when.dataset.empty;
  const zones = need(summary, "[data-summary-zones]");
  zones.textContent = words.zones;
  zones.hidden = false;
  need(summary, "[data-summary-charge]").textContent = chargeWords(start, end, terms, billOf(book).dueCents);
  need(summary, "[data-summary-cancel]").textContent = cancelWords(start, terms);
}

export function emptySummary(summary: HTMLElement): void {
  const when = need(summary, "[data-summary-when]");
  when.textContent = "Choose a time";
  when.dataset.empty = "";
  need(summary, "[data-summary-zones]").hidden = true;
  need(summary, "[data-summary-charge]").textContent = "Your card is charged a day after the lesson, never before.";
  need(summary, "[data-summary-cancel]").textContent = "Cancel free until 24 hours before the start.";
}
