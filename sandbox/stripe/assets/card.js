// The card form inside its frame: it alone sees the number, and hands out payment methods.
(() => {
  "use strict";

  const SOURCE = "stripe-emulator";
  const HASH = new URLSearchParams(location.hash.slice(1));
  const PARENT = HASH.get("origin") ?? "";
  const PART = HASH.get("part") ?? "";
  const BRANDS = [[/^4/, "visa", "Visa"], [/^(5[1-5]|2[2-7])/, "mastercard", "Mastercard"], [/^3[47]/, "amex", "Amex"], [/^6/, "discover", "Discover"]];
  const number = document.getElementById("number");
  const expiry = document.getElementById("expiry");
  const cvc = document.getElementById("cvc");
  const all = { number, expiry, cvc };
  const inputs = PART ? [all[PART]] : [number, expiry, cvc];
  const left = new Set();

  function send(type, value, request) {
    if (PARENT) window.parent.postMessage({ source: SOURCE, type, value, request }, PARENT);
  }

  /** The frames of one card form: this one alone, or its sisters of the same origin and group. */
  function sisters() {
    if (!PART) return [window.emulatorCard];
    const found = [];
    for (let position = 0; position < window.parent.length; position += 1) {
      try {
        const card = window.parent[position].emulatorCard;
        if (card?.group === HASH.get("group")) found.push(card);
      } catch {
        // a frame of the shop's own
      }
    }
    return Object.keys(all).flatMap((name) => found.filter((card) => card.part === name));
  }

  function digits(input) {
    const name = Object.keys(all).find((each) => all[each] === input);
    const holder = inputs.includes(input) ? input : sisters().find((card) => card.part === name)?.input;
    return (holder?.value ?? "").replace(/\D/g, "");
  }

  const brandOf = () => BRANDS.find(([pattern]) => pattern.test(digits(number)));

  function isLuhn(text) {
    let total = 0;
    [...text].reverse().forEach((digit, position) => {
      const value = Number(digit) * (1 + (position % 2));
      total += value > 9 ? value - 9 : value;
    });
    return total % 10 === 0;
  }

  function problem(code, message) {
    return { type: "validation_error", code, message };
  }

  const checks = new Map([
    [number, () => {
      const text = digits(number);
      const length = brandOf()?.[1] === "amex" ? 15 : 16;
      if (text.length < length) return problem("incomplete_number", "Your card number is incomplete.");
      return isLuhn(text) ? undefined : problem("invalid_number", "Your card number is invalid.");
    }],
    [expiry, () => {
      const text = digits(expiry);
      if (text.length < 4) return problem("incomplete_expiry", "Your card's expiration date is incomplete.");
      const month = Number(text.slice(0, 2));
      return month >= 1 && month <= 12 ? undefined : problem("invalid_expiry_month", "Your card's expiration date is invalid.");
    }],
    [cvc, () => {
      const length = brandOf()?.[1] === "amex" ? 4 : 3;
      return digits(cvc).length >= length ? undefined : problem("incomplete_cvc", "Your card's security code is incomplete.");
    }],
  ]);

  /** Wrong at once; incomplete only after its field was left, or when everything is asked for. */
  function firstProblem(isFinal) {
    let first;
    for (const [input, check] of checks) {
      if (!inputs.includes(input)) continue;
      const found = check();
      const counts = found && (isFinal || left.has(input) || found.code.startsWith("invalid"));
      input.setAttribute("aria-invalid", String(Boolean(counts)));
      if (counts) first ??= found;
    }
    return first;
  }

  function tellChange() {
    const error = firstProblem(false);
    const complete = inputs.every((input) => checks.get(input)() === undefined);
    document.getElementById("brand").textContent = brandOf()?.[2] ?? "";
    send("change", {
      complete,
      empty: inputs.every((input) => input.value === ""),
      brand: brandOf()?.[1] ?? "unknown",
      ...(error && { error }),
    });
  }

  function group(input, format) {
    const atEnd = input.selectionEnd === input.value.length;
    input.value = format(digits(input));
    if (atEnd) input.setSelectionRange(input.value.length, input.value.length);
  }

  number.addEventListener("input", () => {
    group(number, (text) => text.slice(0, 19).replace(/(.{4})(?=.)/g, "$1 "));
    if (!PART && checks.get(number)() === undefined && document.activeElement === number) expiry.focus();
  });
  expiry.addEventListener("input", (event) => {
    const isDeleting = event.inputType?.startsWith("delete");
    group(expiry, (text) => {
      const whole = /^[2-9]/.test(text) ? `0${text}` : text;
      if (whole.length < 2 || (whole.length === 2 && isDeleting)) return whole;
      return `${whole.slice(0, 2)} / ${whole.slice(2, 4)}`;
    });
    if (!PART && checks.get(expiry)() === undefined && !isDeleting) cvc.focus();
  });
  cvc.addEventListener("input", () => group(cvc, (text) => text.slice(0, 4)));
  for (const input of inputs) {
    input.addEventListener("input", tellChange);
    input.addEventListener("focus", () => send("focus"));
    input.addEventListener("blur", () => {
      if (input.value !== "") left.add(input);
      tellChange();
      send("blur");
    });
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") send("escape"); });
  document.getElementById("card").addEventListener("submit", (event) => event.preventDefault());

  function check() {
    for (const input of inputs) left.add(input);
    const error = firstProblem(true);
    tellChange();
    return error ? { error } : {};
  }

  async function create({ key, account, billing_details: billing }) {
    const wrong = sisters().map((card) => card.check()).find((checked) => checked.error);
    if (wrong) return wrong;
    const missing = checks.get(expiry)();
    if (missing) return { error: missing };
    const form = new URLSearchParams({
      type: "card",
      "card[number]": digits(number),
      "card[exp_month]": String(Number(digits(expiry).slice(0, 2))),
      "card[exp_year]": `20${digits(expiry).slice(2, 4)}`,
    });
    if (digits(cvc)) form.set("card[cvc]", digits(cvc));
    for (const [name, value] of Object.entries(billing ?? {})) {
      if (typeof value === "string") form.set(`billing_details[${name}]`, value);
      else if (name === "address") {
        for (const [part, text] of Object.entries(value ?? {})) form.set(`billing_details[address][${part}]`, text ?? "");
      }
    }
    const headers = { Authorization: `Bearer ${key}`, ...(account && { "Stripe-Account": account }) };
    try {
      return await (await fetch("/v1/payment_methods", { method: "POST", headers, body: form })).json();
    } catch {
      return { error: { type: "api_connection_error", message: "Your card could not be checked. Check your connection and try again." } };
    }
  }

  function setUp({ theme, options }) {
    if (theme) document.documentElement.dataset.theme = theme;
    for (const input of inputs) {
      input.disabled = Boolean(options?.disabled);
      if (PART && options?.placeholder !== undefined) input.placeholder = options.placeholder;
    }
    const { base, invalid } = options?.style ?? {};
    if (!PART) return;
    for (const [name, value] of [["--text", base?.color], ["--bad", invalid?.color], ["--size", base?.fontSize], ["--font", base?.fontFamily], ["--muted", base?.["::placeholder"]?.color]]) {
      if (typeof value === "string") document.documentElement.style.setProperty(name, value);
    }
  }

  window.addEventListener("message", async (event) => {
    if (event.source !== window.parent || event.origin !== PARENT || event.data?.source !== SOURCE) return;
    const { type, value, request } = event.data;
    if (type === "setup") { setUp(value); send("ready"); }
    else if (type === "focus") inputs[0].focus();
    else if (type === "blur") document.activeElement?.blur();
    else if (type === "clear") { for (const input of inputs) input.value = ""; left.clear(); tellChange(); }
    else if (type === "check") send("answer", check(), request);
    else if (type === "create") send("answer", await create(value), request);
  });

  window.emulatorCard = { group: HASH.get("group"), part: PART, input: all[PART], check };
  if (PART) document.documentElement.dataset.part = PART;
  new ResizeObserver(() => send("height", Math.ceil(document.getElementById("card").getBoundingClientRect().height))).observe(document.body);
  send("loaded");
})();
