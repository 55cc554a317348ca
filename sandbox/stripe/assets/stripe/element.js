// One element: a part of the card form, mounted in the page.

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
