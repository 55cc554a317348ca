/** Sends a form to the JSON API: `action`, `data-method`, then `data-next` (a path) or `data-done` (a toast). */

import { call } from "../lib/api.ts";
import { setBusy, told } from "../lib/dom.ts";
import { bodyOf, clearErrors, passesOwnChecks, tellProblem } from "../lib/forms.ts";
import { toast, toastAfterLoad } from "../lib/toasts.ts";

function submitButton(form: HTMLFormElement): HTMLButtonElement {
  const button = form.querySelector<HTMLButtonElement>('button[type="submit"]');
  if (button === null) throw new Error("a form needs a submit button");
  return button;
}

function nextPath(form: HTMLFormElement, body: Record<string, unknown>): string | undefined {
  const asInstructor = form.dataset.nextInstructor;
  if (body.role === "instructor" && asInstructor !== undefined) return asInstructor;
  const next = form.dataset.next ?? form.dataset.nextFirst;
  return next === "" ? undefined : next;
}

async function send(form: HTMLFormElement): Promise<void> {
  clearErrors(form);
  if (!passesOwnChecks(form)) return;
  const button = submitButton(form);
  const body = bodyOf(form);
  setBusy(button, true);
  const answer = await call(told(form, "method"), form.getAttribute("action") ?? "", { body });
  if (!answer.ok) {
    setBusy(button, false);
    tellProblem(form, answer.problem);
    return;
  }
  const done = form.dataset.done;
  const next = nextPath(form, body);
  if (next !== undefined) {
    if (done !== undefined) toastAfterLoad(done);
    location.assign(next);
    return;
  }
  setBusy(button, false);
  if (done !== undefined) toast(done);
}

export function mount(element: HTMLElement): void {
  if (!(element instanceof HTMLFormElement)) throw new Error("the form module mounts on forms");
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    void send(element);
  });
}
