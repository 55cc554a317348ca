// What all parts of the script share: names, errors, and talking to frames of the emulator.
// The files of this directory are served as one script, inside one function (sandbox/stripe/browser.py).

const ORIGIN = new URL(document.currentScript.src).origin;
const SOURCE = "stripe-emulator";
const KINDS = {
  pi: { path: "payment_intents", result: "paymentIntent", error: "last_payment_error" },
  seti: { path: "setup_intents", result: "setupIntent", error: "last_setup_error" },
};
/** Which part of the card form each element shows, and where a person finds it. */
const PARTS = {
  card: ["", "Secure card payment input frame", "stripe-card-frame"],
  payment: ["", "Secure payment input frame", "stripe-card-frame"],
  cardNumber: ["number", "Secure card number input frame", "stripe-card-number-frame"],
  cardExpiry: ["expiry", "Secure expiration date input frame", "stripe-card-expiry-frame"],
  cardCvc: ["cvc", "Secure CVC input frame", "stripe-card-cvc-frame"],
};
/** After this time a form that did not load is told as one; `data-load-ms` of the script's tag changes it. */
const LOAD_MS = Number(document.currentScript.dataset.loadMs ?? 10_000);
const OVER = ["succeeded", "canceled", "processing", "requires_capture"];
let frames = 0;
let groups = 0;
let requests = 0;

class IntegrationError extends Error {
  constructor(message) {
    super(message);
    this.name = "IntegrationError";
  }
}

function encode(params, prefix, into = new URLSearchParams()) {
  for (const [name, value] of Object.entries(params)) {
    const key = prefix ? `${prefix}[${name}]` : name;
    if (value === undefined || value === null) continue;
    if (typeof value === "object") encode(value, key, into);
    else into.append(key, String(value));
  }
  return into;
}

function intentOf(secret) {
  const match = /^((pi|seti)_[A-Za-z0-9]+)_secret_[A-Za-z0-9]+$/.exec(String(secret));
  if (!match) throw new IntegrationError(`Not a client secret of a PaymentIntent or SetupIntent: ${secret}`);
  return { id: match[1], secret, ...KINDS[match[2]] };
}

function kindOf(secret, prefix) {
  const intent = intentOf(secret);
  if (!intent.id.startsWith(`${prefix}_`)) {
    throw new IntegrationError(`This call expects the client secret of a ${KINDS[prefix].result}, not ${intent.id}.`);
  }
  return intent;
}

/** Talks to one frame of ours; both sides check origin and window. */
class Frame {
  constructor(path, title, test, facts) {
    this.id = `__emulator_frame_${++frames}`;
    this.waiting = new Map();
    this.heard = new Map();
    this.element = document.createElement("iframe");
    this.element.name = this.id;
    this.element.title = title;
    this.element.dataset.test = test;
    this.element.setAttribute("allow", "payment *");
    this.element.src = `${ORIGIN}${path}#${new URLSearchParams({ origin: location.origin, ...facts })}`;
    this.listen = (event) => this.receive(event);
    window.addEventListener("message", this.listen);
  }

  receive(event) {
    if (event.origin !== ORIGIN || event.source !== this.element.contentWindow) return;
    const message = event.data;
    if (message?.source !== SOURCE) return;
    if (message.type === "answer") {
      this.waiting.get(message.request)?.(message.value);
      this.waiting.delete(message.request);
    } else {
      this.heard.get(message.type)?.(message.value);
    }
  }

  hear(type, listener) {
    this.heard.set(type, listener);
  }

  send(type, value, request) {
    this.element.contentWindow?.postMessage({ source: SOURCE, type, value, request }, ORIGIN);
  }

  ask(type, value) {
    const request = ++requests;
    return new Promise((resolve) => {
      this.waiting.set(request, resolve);
      this.send(type, value, request);
    });
  }

  remove() {
    window.removeEventListener("message", this.listen);
    this.element.remove();
    for (const resolve of this.waiting.values()) {
      resolve({ error: { type: "api_connection_error", message: "The card form was removed." } });
    }
  }
}
