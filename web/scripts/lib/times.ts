/** Instants in words, the same words as the server's `when` filter writes. */

export type Format = "full" | "day" | "clock" | "weekday" | "daynumber" | "month";

interface Parts {
  year: string;
  month: string;
  monthNumber: string;
  day: string;
  weekday: string;
  hour: string;
  minute: string;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterFor(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
    });
    formatters.set(zone, formatter);
  }
  return formatter;
}

export const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

function partsOf(at: Date, zone: string): Parts {
  const found: Record<string, string> = {};
  for (const part of formatterFor(zone).formatToParts(at)) found[part.type] = part.value;
  const text = (key: string): string => found[key] ?? "";
  return {
    year: text("year"),
    monthNumber: text("month"),
    month: MONTHS[Number(text("month")) - 1] ?? "",
    day: String(Number(text("day"))),
    weekday: text("weekday"),
    hour: text("hour"),
    minute: text("minute"),
  };
}

export function write(at: Date, zone: string, format: Format): string {
  const p = partsOf(at, zone);
  switch (format) {
    case "full":
      return `${p.weekday} ${p.day} ${p.month}, ${p.hour}:${p.minute}`;
    case "day":
      return `${p.weekday} ${p.day} ${p.month}`;
    case "clock":
      return `${p.hour}:${p.minute}`;
    case "weekday":
      return p.weekday;
    case "daynumber":
      return p.day;
    case "month":
      return p.month;
  }
}

/** The local date `YYYY-MM-DD` of an instant. */
export function localDate(at: Date, zone: string): string {
  const p = partsOf(at, zone);
  return `${p.year}-${p.monthNumber}-${p.day.padStart(2, "0")}`;
}

export type Part = "morning" | "afternoon" | "evening";

export function partOfDay(at: Date, zone: string): Part {
  const hour = Number(partsOf(at, zone).hour);
  if (hour < 12) return "morning";
  return hour < 17 ? "afternoon" : "evening";
}

export function addDays(date: string, days: number): string {
  const at = new Date(`${date}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** The names of a local date, read without any zone. */
export function dateWords(date: string): { weekday: string; day: string; month: string } {
  const p = partsOf(new Date(`${date}T12:00:00Z`), "UTC");
  return { weekday: p.weekday, day: p.day, month: p.month };
}

/** The first instant of a local date: midnight, or the end of the gap when clocks skip it. */
export function startOfDate(date: string, zone: string): Date {
  const noon = Date.parse(`${date}T12:00:00Z`);
  const local = partsOf(new Date(noon), zone);
  const seen = Date.parse(`${local.year}-${local.monthNumber}-${local.day.padStart(2, "0")}T${local.hour}:${local.minute}:00Z`);
  const guess = Date.parse(`${date}T00:00:00Z`) - (seen - noon);
  for (const shift of [0, -60, 60, -30, 30]) {
    const at = new Date(guess + shift * 60_000);
    const before = new Date(at.getTime() - 60_000);
    if (localDate(at, zone) === date && localDate(before, zone) !== date) return at;
  }
  return new Date(guess);
}

/** `America/New_York` → `New York`. */
export function city(zone: string): string {
  return (zone.split("/").at(-1) ?? zone).replaceAll("_", " ");
}

/** An instant as the API writes it: whole seconds, `Z`. */
export function instant(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, "Z");
}

export function haveSameClock(at: Date, one: string, other: string): boolean {
  return write(at, one, "full") === write(at, other, "full");
}

const skewMs = ((): number => {
  const told = document.querySelector<HTMLMetaElement>('meta[name="now"]')?.content;
  return told === undefined ? 0 : Date.parse(told) - Date.now();
})();

/** The marketplace's time, as far as this page knows it: the server's at load, running on. */
export function now(): Date {
  return new Date(Date.now() + skewMs);
}

/** `4:07`, never below zero. */
export function countdown(until: Date): string {
  const seconds = Math.max(0, Math.round((until.getTime() - now().getTime()) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
