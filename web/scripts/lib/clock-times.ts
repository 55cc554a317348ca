/** Local clock times of a weekly calendar as minutes after midnight; `24:00` is legal as an end. */

export const DAY_MINUTES = 24 * 60;

/** `9`, `930`, `9:30`, `09.30`, `9am`, `24:00` → minutes; anything else → undefined. */
export function readClock(text: string): number | undefined {
  const found = /^(\d{1,2})(?:[:.h]?(\d{2}))?\s*(am|pm)?$/i.exec(text.trim());
  if (found === null) return undefined;
  let hour = Number(found[1]);
  const minute = Number(found[2] ?? "0");
  const half = found[3]?.toLowerCase();
  if (half !== undefined && (hour < 1 || hour > 12)) return undefined;
  if (half === "pm" && hour < 12) hour += 12;
  if (half === "am" && hour === 12) hour = 0;
  const total = hour * 60 + minute;
  return minute < 60 && total <= DAY_MINUTES ? total : undefined;
}

export function writeClock(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

/** An end at or before the start means the next day; equal means 24 hours. */
export function lengthOf(opens: number, closes: number): number {
  return closes > opens ? closes - opens : closes + DAY_MINUTES - opens;
}

export function hours(minutes: number): string {
  const whole = Math.floor(minutes / 60);
  const rest = minutes % 60;
  return rest === 0 ? `${whole} h` : `${whole} h ${rest} min`;
}
