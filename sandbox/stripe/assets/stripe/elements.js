// Elements that belong together: what is paid, which elements there are, whether they are complete.

const REMOVED = "elements(): `paymentMethodTypes` is no longer supported. Use `allowedPaymentMethodTypes` instead.";

class Elements {
  constructor(client, options) {
    if (options && "paymentMethodTypes" in options) {
      throw new IntegrationError(REMOVED);
    }
    this._client = client;
    this._options = options ?? {};
    this._group = `__emulator_group_${++groups}`;
    this._made = new Map();
    this._check();
  }

  /** What is paid is told by an intent, or by mode, amount and currency: never by both. */
  _check() {
    const { clientSecret, mode, amount, currency, allowedPaymentMethodTypes: allowed } = this._options;
    if (allowed !== undefined && !(Array.isArray(allowed) && allowed.includes("card"))) {
      throw new IntegrationError("elements(): `allowedPaymentMethodTypes` is a list with \"card\" in it: the emulator takes cards alone.");
    }
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
    if (options && "paymentMethodTypes" in options) throw new IntegrationError(REMOVED);
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
