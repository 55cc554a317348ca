/** Add, change and remove what an instructor teaches. */

import { call, sentence } from "../lib/api.ts";
import { all, make, need, setBusy, showProblem, told } from "../lib/dom.ts";
import { bodyOf, clearErrors, passesOwnChecks, tellProblem } from "../lib/forms.ts";
import { cents, lessonCents, money } from "../lib/money.ts";
import { toastAfterLoad } from "../lib/toasts.ts";

const PRICE_MIN_CENTS = 50;

function control<T extends HTMLElement>(form: HTMLFormElement, name: string): T {
  return need<T>(form, `[name="${name}"]`);
}

function check(form: HTMLFormElement, name: string, values: string[]): void {
  for (const box of all<HTMLInputElement>(form, `[name="${name}"]`)) box.checked = values.includes(box.value);
}

class ServiceDialog {
  readonly #form: HTMLFormElement;
  #id: string | undefined;

  constructor(private readonly dialog: HTMLDialogElement) {
    this.#form = need<HTMLFormElement>(dialog, "form");
    for (const button of all(document, "[data-service-new]")) {
      button.hidden = false;
      button.addEventListener("click", () => { this.#openNew(); });
    }
    for (const button of all(document, "[data-service-edit]")) {
      button.addEventListener("click", () => { this.#openEdit(button); });
    }
    for (const button of all(dialog, "[data-close]")) button.addEventListener("click", () => { dialog.close(); });
    this.#form.addEventListener("input", () => { this.#preview(); });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#save();
    });
  }

  #openNew(): void {
    this.#id = undefined;
    this.#form.reset();
    this.#show("New service");
  }

  #openEdit(button: HTMLElement): void {
    this.#id = told(button, "serviceEdit");
    control<HTMLSelectElement>(this.#form, "skill").value = told(button, "skill");
    control<HTMLInputElement>(this.#form, "title").value = told(button, "title");
    control<HTMLTextAreaElement>(this.#form, "description").value = told(button, "description");
    control<HTMLInputElement>(this.#form, "hourly_rate_cents").value = money(Number(told(button, "rate"))).slice(1).replaceAll(",", "");
    check(this.#form, "durations_minutes", told(button, "durations").split(","));
    check(this.#form, "modalities", told(button, "modalities").split(","));
    this.#show("Edit service");
  }

  #show(title: string): void {
    clearErrors(this.#form);
    need(this.dialog, "h2").textContent = title;
    this.#preview();
    this.dialog.showModal();
  }

  #preview(): void {
    const line = need(this.#form, "[data-price-preview]");
    const rate = cents(control<HTMLInputElement>(this.#form, "hourly_rate_cents").value);
    const minutes = all<HTMLInputElement>(this.#form, '[name="durations_minutes"]:checked').map((box) => Number(box.value));
    line.hidden = rate === undefined || minutes.length === 0;
    if (rate === undefined) return;
    line.replaceChildren(
      ...minutes.map((one) => {
        const price = lessonCents(rate, one);
        const words = price < PRICE_MIN_CENTS ? "too little, at least $0.50" : money(price);
        return make("span", {}, `${one} min: `, make("strong", { class: "money" }, words));
      }),
    );
  }

  async #save(): Promise<void> {
    clearErrors(this.#form);
    if (!passesOwnChecks(this.#form)) return;
    const button = need<HTMLButtonElement>(this.#form, 'button[type="submit"]');
    const path = this.#id === undefined ? "/api/instructor/services" : `/api/instructor/services/${this.#id}`;
    setBusy(button, true);
    const answer = await call(this.#id === undefined ? "POST" : "PATCH", path, { body: bodyOf(this.#form) });
    if (answer.ok) {
      toastAfterLoad("Service saved");
      location.reload();
      return;
    }
    setBusy(button, false);
    tellProblem(this.#form, answer.problem);
  }
}

function mountRemoval(dialog: HTMLDialogElement): void {
  let id = "";
  for (const button of all(document, "[data-service-delete]")) {
    button.addEventListener("click", () => {
      id = told(button, "serviceDelete");
      need(dialog, "[data-remove-what]").textContent = told(button, "title");
      need(dialog, "[data-remove-problem]").hidden = true;
      dialog.showModal();
    });
  }
  const confirm = need<HTMLButtonElement>(dialog, "[data-remove-confirm]");
  const remove = async (): Promise<void> => {
    setBusy(confirm, true);
    const answer = await call("DELETE", `/api/instructor/services/${id}`);
    if (answer.ok) {
      toastAfterLoad("Service removed");
      location.reload();
      return;
    }
    setBusy(confirm, false);
    showProblem(need(dialog, "[data-remove-problem]"), sentence(answer.problem));
  };
  confirm.addEventListener("click", () => void remove());
}

export function mount(element: HTMLElement): void {
  if (!(element instanceof HTMLDialogElement)) throw new Error("the services module mounts on a dialog");
  new ServiceDialog(element);
  mountRemoval(need<HTMLDialogElement>(document, "[data-service-remove]"));
}
