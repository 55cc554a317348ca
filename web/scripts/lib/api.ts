/** The one door to the JSON API: problems become values, the session's CSRF token goes along. */

export interface FieldError {
  pointer: string;
  detail: string;
}

export interface Problem {
  status: number;
  code: string;
  title: string;
  detail: string;
  errors: FieldError[];
  body: Record<string, unknown>;
}

export type Answer<T> = { ok: true; status: number; body: T } | { ok: false; problem: Problem };

interface Options {
  body?: unknown;
  idempotencyKey?: string;
}

const UNREACHABLE: Problem = {
  status: 0,
  code: "unreachable",
  title: "We could not reach the server",
  detail: "We could not reach the server. Nothing was lost; check your connection and try again.",
  errors: [],
  body: {},
};

function csrfToken(): string | undefined {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content;
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function asFieldErrors(value: unknown): FieldError[] {
  if (!Array.isArray(value)) return [];
  return value.map(asRecord).map((one) => ({ pointer: asText(one.pointer), detail: asText(one.detail) }));
}

async function readBody(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === "") return {};
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return {};
  }
}

/** 128 random bits; `crypto.randomUUID` needs a secure context, this does not. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function call<T>(method: string, path: string, options: Options = {}): Promise<Answer<T>> {
  const headers = new Headers({ Accept: "application/json" });
  const token = csrfToken();
  if (token !== undefined && method !== "GET") headers.set("X-CSRF-Token", token);
  if (options.body !== undefined) headers.set("Content-Type", "application/json");
  if (options.idempotencyKey !== undefined) headers.set("Idempotency-Key", options.idempotencyKey);
  const init: RequestInit = { method, headers, credentials: "same-origin" };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    return { ok: false, problem: UNREACHABLE };
  }
  const body = await readBody(response);
  if (response.ok) return { ok: true, status: response.status, body: body as T };
  const told = asRecord(body);
  return {
    ok: false,
    problem: {
      status: response.status,
      code: asText(told.code),
      title: asText(told.title),
      detail: asText(told.detail),
      errors: asFieldErrors(told.errors ?? asRecord(told.extra).errors),
      body: told,
    },
  };
}

const SENTENCES: Record<string, string> = {
  "slot-taken": "That time was just taken. Nothing was charged; choose another time.",
  "slot-not-offered": "That time is no longer offered. Nothing was charged; choose another time.",
  "student-busy": "You already have a lesson at that time. Choose another time, or cancel the other lesson first.",
  "instructor-not-bookable": "This instructor cannot be booked at the moment. Nothing was charged.",
  "hold-expired": "The time was held for too long and is free again. Nothing was charged; choose a time once more.",
  "hold-limit": "You are holding other times already. Finish or give up one of them, then try again.",
  "quote-expired": "The price of cancelling has changed in the meantime. Look at it again before you decide.",
  "calendar-changed": "This calendar was changed somewhere else. Load the newer version; your changes here are not saved yet.",
  "card-declined": "Your card was declined. Nothing was charged; try another card.",
  "insufficient-funds": "The card has not enough funds. Nothing was charged; try another card.",
  "booking-state": "This lesson has changed in the meantime. Reload the page to see how it stands.",
  "idempotency-key-in-use": "This is already on its way. Wait a moment.",
};

/** What a person reads: what happened, that nothing was lost, what to do next. */
export function sentence(problem: Problem): string {
  const known = SENTENCES[problem.code];
  if (known !== undefined) return known;
  if (problem.status === 401) return "You are signed out. Sign in again; nothing was lost.";
  if (problem.status === 403) return problem.detail || "This is not open to you.";
  if (problem.status === 429) return "That was a lot at once. Wait a minute and try again.";
  if (problem.status >= 500) return "Something went wrong on our side. Nothing was lost; try again in a moment.";
  return problem.detail || problem.title || "That did not work. Nothing was lost; try again.";
}
