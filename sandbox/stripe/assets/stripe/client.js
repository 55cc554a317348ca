// The client a page holds: confirmations, challenges, intents as they are.

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

  async retrieveSetupIntent(secret) { return this._retrieve(kindOf(secret, "seti").secret); }
  async retrievePaymentIntent(secret) { return this._retrieve(kindOf(secret, "pi").secret); }

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
