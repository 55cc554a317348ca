// Stripe's browser script, spoken by the emulator: card form, challenges, confirmations.
// Card data never reaches this page: it lives in a frame of the emulator's origin.
(() => {
  "use strict";

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
  const LOAD_MS = 10_000;
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

  class Element {
    constructor(elements, type, options) {
      this._elements = elements;
      this._type = type;
      this._options = options ?? {};
      this._listeners = new Map();
      this._frame = undefined;
    }

    mount(target) {
      const parent = typeof target === "string" ? document.querySelector(target) : target;
      if (!(parent instanceof HTMLElement)) {
        throw new IntegrationError(`The element to mount to does not exist: ${String(target)}`);
      }
      if (this._isDestroyed) throw new IntegrationError("This Element has already been destroyed. Please create a new one.");
      this.unmount();
      const theme = themeOf(parent);
      const [part, title, test] = PARTS[this._type];
      const frame = new Frame("/js/card.html", title, test, { part, group: this._elements._group });
      Object.assign(frame.element.style, {
        border: "0", display: "block", width: "100%", height: part ? "24px" : "160px", colorScheme: theme,
      });
      this._frame = frame;
      this._parent = parent;
      this._listenTo(frame, theme);
      parent.replaceChildren(frame.element);
      parent.classList.add("StripeElement");
      if (this._type === "payment") void this._load(frame);
    }

    _listenTo(frame, theme) {
      const late = setTimeout(() => this._failLoading("The card form could not be loaded."), LOAD_MS);
      frame.hear("loaded", () => {
        clearTimeout(late);
        frame.send("setup", { theme, options: plain(this._options) });
      });
      frame.hear("ready", () => {
        if (this._isReady) return;
        this._isReady = true;
        this._tell("ready", { elementType: this._type });
      });
      frame.hear("height", (height) => { frame.element.style.height = `${Number(height)}px`; });
      frame.hear("change", (change) => this._changed(this._parent, change));
      for (const name of ["focus", "blur", "escape"]) {
        frame.hear(name, () => {
          if (name !== "escape") this._parent.classList.toggle("StripeElement--focus", name === "focus");
          this._tell(name, { elementType: this._type });
        });
      }
      frame.atEnd = () => clearTimeout(late);
    }

    /** A payment element looks at its intent: one that is unknown or over cannot be paid any more. */
    async _load(frame) {
      const secret = this._elements._options.clientSecret;
      if (secret === undefined) return;
      const found = await this._elements._client._retrieve(secret);
      if (this._frame !== frame) return;
      const intent = found.paymentIntent ?? found.setupIntent;
      if (found.error) this._failLoading(found.error.message, found.error);
      else if (OVER.includes(intent.status)) {
        const code = `${intent.object}_unexpected_state`;
        this._failLoading(`This ${intent.object} is in a terminal state and cannot be used to initialize Elements.`, { type: "invalid_request_error", code });
      }
    }

    _failLoading(message, error) {
      this._tell("loaderror", { elementType: this._type, error: { ...error, message } });
    }

    _changed(parent, change) {
      parent.classList.toggle("StripeElement--complete", change.complete);
      parent.classList.toggle("StripeElement--invalid", change.error !== undefined);
      if (PARTS[this._type][0] && this._type !== "cardNumber") delete change.brand;
      const value = this._type === "payment" ? { value: { type: "card" }, collapsed: false } : {};
      this._tell("change", { elementType: this._type, ...change, ...value });
    }

    _tell(name, event) {
      for (const listener of [...(this._listeners.get(name) ?? [])]) listener(event);
    }

    on(name, listener) {
      if (!this._listeners.has(name)) this._listeners.set(name, new Set());
      this._listeners.get(name).add(listener);
      return this;
    }

    once(name, listener) {
      const wrapped = (event) => { this.off(name, wrapped); listener(event); };
      return this.on(name, wrapped);
    }

    off(name, listener) {
      if (listener === undefined) this._listeners.delete(name);
      else this._listeners.get(name)?.delete(listener);
      return this;
    }

    update(options) {
      this._options = { ...this._options, ...options };
      this._frame?.send("setup", { options: plain(this._options) });
    }

    focus() { this._frame?.send("focus"); }
    blur() { this._frame?.send("blur"); }
    clear() { this._frame?.send("clear"); }

    unmount() {
      this._frame?.atEnd();
      this._frame?.remove();
      this._frame = undefined;
      this._isReady = false;
      this._parent?.classList.remove("StripeElement", "StripeElement--complete", "StripeElement--invalid", "StripeElement--focus");
    }

    destroy() {
      this.unmount();
      this._listeners.clear();
      this._isDestroyed = true;
    }

    _ask(type, value) {
      if (this._frame === undefined) {
        throw new IntegrationError("We could not retrieve data from the specified Element. Please make sure the Element you are attempting to use is still mounted.");
      }
      return this._frame.ask(type, value);
    }
  }

  function plain(options) {
    return JSON.parse(JSON.stringify(options ?? {}));
  }

  /** Whether the page around the form is dark, read from the colour of its text. */
  function themeOf(parent) {
    const parts = /rgba?\((\d+)[ ,]+(\d+)[ ,]+(\d+)/.exec(getComputedStyle(parent).color);
    if (!parts) return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const [red, green, blue] = parts.slice(1).map(Number);
    return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "dark" : "light";
  }

  class Elements {
    constructor(client, options) {
      if (options && "paymentMethodTypes" in options) {
        throw new IntegrationError("elements(): `paymentMethodTypes` is no longer supported. Use `allowedPaymentMethodTypes` instead.");
      }
      this._client = client;
      this._options = options ?? {};
      this._group = `__emulator_group_${++groups}`;
      this._made = new Map();
      this._check();
    }

    /** What is paid is told by an intent, or by mode, amount and currency: never by both. */
    _check() {
      const { clientSecret, mode, amount, currency } = this._options;
      if (clientSecret !== undefined) intentOf(clientSecret);
      if (clientSecret !== undefined && mode !== undefined) {
        throw new IntegrationError("elements(): pass either `clientSecret` or `mode`, not both.");
      }
      if (mode === undefined) return;
      if (!["payment", "setup", "subscription"].includes(mode)) {
        throw new IntegrationError("elements(): `mode` is payment, setup or subscription.");
      }
      if (typeof currency !== "string") throw new IntegrationError("elements(): `currency` is required with `mode`.");
      if (mode === "payment" && !(Number.isInteger(amount) && amount > 0)) {
        throw new IntegrationError("elements(): `amount` must be a positive number of the currency's smallest unit.");
      }
    }

    create(type, options) {
      if (!Object.hasOwn(PARTS, type)) {
        throw new IntegrationError(`The emulator has the elements ${Object.keys(PARTS).join(", ")}, not "${String(type)}".`);
      }
      if (type === "payment" && this._options.clientSecret === undefined && this._options.mode === undefined) {
        throw new IntegrationError("In order to create a payment element, you must pass a `clientSecret` or `mode` to elements().");
      }
      if (this.getElement(type) !== null) {
        throw new IntegrationError(`Can only create one Element of type ${type}.`);
      }
      const whole = ["card", "payment"].find((each) => this.getElement(each) !== null);
      if (whole && PARTS[type][0]) throw new IntegrationError(`Can only create one Element of type ${whole} or ${type}.`);
      const element = new Element(this, type, { appearance: this._options.appearance, ...options });
      this._made.set(type, element);
      return element;
    }

    getElement(type) {
      const element = this._made.get(type);
      return element === undefined || element._isDestroyed ? null : element;
    }

    update(options) {
      this._options = { ...this._options, ...options };
      this._check();
    }

    async fetchUpdates() {
      const { clientSecret } = this._options;
      const found = clientSecret === undefined ? {} : await this._client._retrieve(clientSecret);
      return found.error ? { error: found.error } : {};
    }

    async submit() {
      const answer = await this._element()._ask("check");
      this._isSubmitted = answer.error === undefined;
      return answer.error ? answer : { selectedPaymentMethod: "card" };
    }

    /** With `mode` the form must have been submitted before anything is made from it. */
    _submitted() {
      if (this._options.mode !== undefined && !this._isSubmitted) {
        throw new IntegrationError("elements.submit() must be called before stripe.confirmPayment(), stripe.confirmSetup() or stripe.createPaymentMethod().");
      }
      return this._element();
    }

    _element() {
      const found = ["payment", "card", "cardNumber"].map((type) => this.getElement(type));
      const element = found.find((each) => each !== null);
      if (element === undefined) throw new IntegrationError("Create and mount an element first.");
      return element;
    }
  }

  /** A modal with the bank's question; resolves when the cardholder has answered. */
  function challenge(intentId) {
    const frame = new Frame(`/_emulator/3ds/${intentId}`, "3-D Secure challenge", "stripe-challenge-frame");
    const cover = document.createElement("div");
    cover.dataset.test = "stripe-challenge";
    cover.setAttribute("role", "dialog");
    cover.setAttribute("aria-modal", "true");
    cover.setAttribute("aria-label", "Card verification");
    Object.assign(cover.style, {
      position: "fixed", inset: "0", zIndex: "2147483647", display: "grid", placeItems: "center",
      padding: "16px", background: "rgba(10, 14, 25, 0.6)",
    });
    Object.assign(frame.element.style, {
      border: "0", width: "min(400px, 100%)", height: "min(420px, 100%)", borderRadius: "14px",
      background: "#fff", colorScheme: "light", boxShadow: "0 20px 60px rgba(0, 0, 0, 0.35)",
    });
    const before = document.activeElement;
    cover.append(frame.element);
    document.body.append(cover);
    frame.element.focus();
    return new Promise((resolve) => {
      frame.hear("answered", (answer) => {
        frame.remove();
        cover.remove();
        if (before instanceof HTMLElement) before.focus();
        resolve(answer);
      });
    });
  }

  class Client {
    constructor(key, options) {
      if (typeof key !== "string" || !key.startsWith("pk_")) {
        throw new IntegrationError("Stripe(): the publishable key starts with pk_. Never use a secret key in a page.");
      }
      this._key = key;
      this._account = options?.stripeAccount;
    }

    elements(options) {
      return new Elements(this, options);
    }

    async _call(method, path, params) {
      const form = encode(params);
      const headers = { Authorization: `Bearer ${this._key}` };
      if (this._account) headers["Stripe-Account"] = this._account;
      const isRead = method === "GET";
      try {
        const answer = await fetch(`${ORIGIN}${path}${isRead ? `?${form}` : ""}`, {
          method, headers, body: isRead ? undefined : form, credentials: "omit",
        });
        return await answer.json();
      } catch {
        return { error: { type: "api_connection_error", message: "An unexpected error occurred. Check your connection and try again." } };
      }
    }

    async createPaymentMethod(data) {
      if (data.elements) return this._fromElement(data.elements._submitted(), data.params?.billing_details);
      if (data.type !== "card") throw new IntegrationError(`createPaymentMethod(): the emulator knows the type "card", not "${String(data.type)}".`);
      if (data.card instanceof Element) return this._fromElement(data.card, data.billing_details);
      const { type, card, billing_details } = data;
      return this._made(await this._call("POST", "/v1/payment_methods", { type, card, billing_details }));
    }

    async _fromElement(element, billing) {
      if (["cardExpiry", "cardCvc"].includes(element._type)) {
        throw new IntegrationError(`Pass the cardNumber Element, not the ${element._type} Element: the others are found beside it.`);
      }
      const answer = await element._ask("create", {
        key: this._key, account: this._account, billing_details: plain(billing),
      });
      return this._made(answer);
    }

    _made(answer) {
      return answer.error ? { error: answer.error } : { paymentMethod: answer };
    }

    retrieveSetupIntent(secret) { return this._retrieve(secret); }
    retrievePaymentIntent(secret) { return this._retrieve(secret); }

    async _retrieve(secret) {
      const intent = intentOf(secret);
      const answer = await this._call("GET", `/v1/${intent.path}/${intent.id}`, { client_secret: secret });
      return answer.error ? { error: answer.error } : { [intent.result]: answer };
    }

    async confirmCardSetup(secret, data, options) { return this._confirmCard(kindOf(secret, "seti"), data, options); }
    async confirmCardPayment(secret, data, options) { return this._confirmCard(kindOf(secret, "pi"), data, options); }
    async handleCardAction(secret) { return this._act(kindOf(secret, "pi")); }
    async handleNextAction(options) { return this._act(intentOf(options?.clientSecret)); }

    async _confirmCard(intent, data, options) {
      const given = data?.payment_method;
      if (given === undefined) {
        const found = await this._retrieve(intent.secret);
        if (found.error) return found;
        if (found[intent.result]?.status === "requires_action") return this._act(intent);
      }
      const params = { return_url: data?.return_url, setup_future_usage: data?.setup_future_usage };
      if (typeof given === "string") {
        params.payment_method = given;
      } else if (given?.card instanceof Element) {
        const made = await this._fromElement(given.card, given.billing_details);
        if (made.error) return { error: made.error };
        params.payment_method = made.paymentMethod.id;
      } else if (given?.card) {
        params.payment_method_data = { type: "card", ...plain(given) };
      }
      return this._confirm(intent, params, options?.handleActions !== false);
    }

    async _confirm(intent, params, acts) {
      const answer = await this._call("POST", `/v1/${intent.path}/${intent.id}/confirm`, {
        ...params, use_stripe_sdk: true, client_secret: intent.secret,
      });
      if (answer.error) return { error: answer.error };
      if (acts && answer.status === "requires_action") return this._act(intent);
      return { [intent.result]: answer };
    }

    /** Lets the cardholder answer, then tells how the intent stands. */
    async _act(intent) {
      const found = await this._retrieve(intent.secret);
      if (found.error) return found;
      if (found[intent.result].status !== "requires_action") return found;
      await challenge(intent.id);
      const answered = await this._retrieve(intent.secret);
      const error = answered[intent.result]?.[intent.error];
      if (answered[intent.result]?.status === "requires_payment_method" && error) {
        const name = intent.path.replace(/s$/, "");
        return { error: { ...error, [name]: answered[intent.result] } };
      }
      return answered;
    }

    async confirmSetup(options) { return this._confirmElements("seti", options); }
    async confirmPayment(options) { return this._confirmElements("pi", options); }

    async _confirmElements(kind, { elements, clientSecret, confirmParams, redirect }) {
      const secret = clientSecret ?? elements?._options.clientSecret;
      const intent = kindOf(secret, kind);
      if (redirect !== "if_required" && !confirmParams?.return_url) {
        throw new IntegrationError("`confirmParams.return_url` is required unless `redirect` is \"if_required\".");
      }
      const params = { payment_method: confirmParams?.payment_method };
      if (elements) {
        const billing = confirmParams?.payment_method_data?.billing_details;
        const made = await this._fromElement(elements._submitted(), billing);
        if (made.error) return { error: made.error };
        params.payment_method = made.paymentMethod.id;
      }
      const result = await this._confirm(intent, params, true);
      if (result.error || redirect === "if_required") return result;
      const url = new URL(confirmParams.return_url);
      const name = intent.path.replace(/s$/, "");
      url.searchParams.set(name, intent.id);
      url.searchParams.set(`${name}_client_secret`, secret);
      url.searchParams.set("redirect_status", "succeeded");
      location.assign(url);
      return new Promise(() => {});
    }
  }

  window.Stripe = Object.assign((key, options) => new Client(key, options), { version: "emulator" });
})();
