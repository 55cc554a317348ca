/** Moving a lesson: the time picked among the live ones, then at once or after the other side has agreed. */

import { call, newKey, sentence } from "../lib/api.ts";
import { need, setBusy, showProblem, told } from "../lib/dom.ts";
import { write } from "../lib/times.ts";
import { toastAfterLoad } from "../lib/toasts.ts";
import { onZone, zone } from "../lib/zones.ts";
import type { Picked } from "./slots.ts";

const LOST = "The time you chose was just taken. The lesson stays where it is; choose another one.";

class Move {
  readonly #button: HTMLButtonElement;
  readonly #slots: HTMLElement;
  #picked: string | undefined;

  constructor(private readonly root: HTMLElement) {
    this.#button = need<HTMLButtonElement>(root, "[data-move]");
    this.#slots = need(root, '[data-module="slots"]');
    root.addEventListener("slot:pick", (event) => { this.#pick((event as CustomEvent<Picked>).detail.start_at); });
    root.addEventListener("slot:lost", () => {
      this.#pick(undefined);
      this.#tell(LOST);
    });
    this.#button.addEventListener("click", () => void this.#move());
    onZone(() => { this.#write(); });
    this.#pick(this.#slots.dataset.picked);
  }

  #tell(text: string): void {
    showProblem(need(this.root, "[data-move-problem]"), text);
  }

  #pick(start: string | undefined): void {
    this.#picked = start;
    if (start !== undefined) need(this.root, "[data-move-problem]").hidden = true;
    this.#write();
  }

  #write(): void {
    const words = this.#picked === undefined ? "Choose a time" : write(new Date(this.#picked), zone(), "full");
    need(this.root, "[data-move-to]").textContent = words;
    this.#button.disabled = this.#picked === undefined;
  }

  async #move(): Promise<void> {
    if (this.#picked === undefined) return;
    const id = told(this.root, "booking");
    this.#slots.dispatchEvent(new CustomEvent("slots:keep", { detail: this.#picked }));
    setBusy(this.#button, true);
    const answer = await call("POST", `/api/bookings/${id}/reschedule`, { body: { start_at: this.#picked }, idempotencyKey: newKey() });
    setBusy(this.#button, false);
    if (answer.ok) {
      const isAsked = answer.status === 202;
      toastAfterLoad(isAsked ? `${told(this.root, "other")} has been asked` : "Lesson moved");
      location.assign(`/lessons/${id}`);
      return;
    }
    this.#slots.dispatchEvent(new CustomEvent("slots:keep", { detail: undefined }));
    if (answer.problem.status === 409) {
      this.#slots.dispatchEvent(new Event("slots:clear"));
      this.#pick(undefined);
    }
    this.#tell(sentence(answer.problem));
  }
}

export function mount(element: HTMLElement): void {
  new Move(element);
}
