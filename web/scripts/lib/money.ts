/** Integer cents in words and back; no float on the way. */

const CARD_MINIMUM_CENTS = 50;
const SIGNS: Record<string, string> = { usd: "$", eur: "€", gbp: "£" };

export function money(cents: number, currency = "usd"): string {
  const amount = Math.abs(cents);
  const whole = String(Math.floor(amount / 100)).replace(/\B(?=(\d{3})+$)/g, ",");
  const text = `${whole}.${String(amount % 100).padStart(2, "0")}`;
  const sign = SIGNS[currency.toLowerCase()];
  const minus = cents < 0 ? "−" : "";
  return sign === undefined ? `${minus}${text} ${currency.toUpperCase()}` : `${minus}${sign}${text}`;
}

/** `45`, `45.5`, `$45.50` or `45,50` → cents; anything else → undefined. */
export function cents(text: string): number | undefined {
  const found = /^\$?\s*(\d{1,6})(?:[.,](\d{1,2}))?$/.exec(text.trim());
  if (found === null) return undefined;
  return Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0"));
}

/** What credit pays of a price: all of it, or what leaves the card its least amount of 50 cents. */
export function creditUsed(priceCents: number, creditCents: number): number {
  const credit = Math.min(creditCents, priceCents);
  const left = priceCents - credit;
  return left > 0 && left < CARD_MINIMUM_CENTS ? priceCents - CARD_MINIMUM_CENTS : credit;
}

/** Price of a lesson: rate × minutes / 60, half up. */
export function lessonCents(hourlyRateCents: number, minutes: number): number {
  return Math.floor((hourlyRateCents * minutes + 30) / 60);
}
