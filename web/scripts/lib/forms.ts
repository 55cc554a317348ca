/** A form as JSON, and a problem as words beside the fields it is about. */

import { type Problem, sentence } from "./api.ts";
import { all, showProblem } from "./dom.ts";
import { cents } from "./money.ts";

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
type Body = Record<string, unknown>;

function controlsOf(form: HTMLFormElement): Control[] {
  return all<Control>(form, "input[name], select[name], textarea[name]").filter((one) => !one.disabled);
}

function push(body: Body, name: string, value: unknown): void {
  const list = body[name];
  if (Array.isArray(list)) list.push(value);
  else body[name] = [value];
}

/** `data-type` says how a text becomes JSON: bool, cents, json, list, int-list, words; a plain text without it. */
function put(body: Body, control: Control): void {
  const { name, value } = control;
  const isChecked = control instanceof HTMLInputElement && control.checked;
  switch (control.dataset.type) {
    case "bool":
      body[name] = isChecked;
      return;
    case "json":
      body[name] = JSON.parse(value);
      return;
    case "cents":
      body[name] = cents(value) ?? value;
      return;
    case "list":
      body[name] ??= [];
      if (isChecked) push(body, name, value);
      return;
    case "int-list":
      body[name] ??= [];
      if (isChecked) push(body, name, Number(value));
      return;
    case "words":
      body[name] = value.split(",").map((word) => word.trim()).filter((word) => word !== "");
      return;
    default:
      if (control.type === "radio" && !isChecked) return;
      body[name] = value;
  }
}

export function bodyOf(form: HTMLFormElement): Body {
  const body: Body = {};
  for (const control of controlsOf(form)) put(body, control);
  return body;
}

function fieldNamed(form: HTMLFormElement, name: string): HTMLElement | null {
  return form.querySelector<HTMLElement>(`[data-field="${CSS.escape(name)}"]`);
}

function markField(field: HTMLElement, text: string): void {
  const line = field.querySelector<HTMLElement>("[data-error]");
  if (line !== null) line.textContent = text;
  for (const control of all<Control>(field, "input, select, textarea")) {
    if (text === "") control.removeAttribute("aria-invalid");
    else control.setAttribute("aria-invalid", "true");
  }
}

export function clearErrors(form: HTMLFormElement): void {
  for (const field of all(form, "[data-field]")) markField(field, "");
  const banner = form.querySelector<HTMLElement>("[data-form-problem]");
  if (banner !== null) banner.hidden = true;
}

function focusFirstError(form: HTMLFormElement): void {
  form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}

/** The browser's own checks, told beside the field. True when all pass. */
export function passesOwnChecks(form: HTMLFormElement): boolean {
  const wrong = controlsOf(form).filter((control) => !control.checkValidity());
  for (const control of wrong) {
    const field = control.closest<HTMLElement>("[data-field]");
    if (field !== null) markField(field, control.validationMessage);
  }
  for (const control of all<HTMLInputElement>(form, 'input[data-type="cents"]')) {
    const field = control.closest<HTMLElement>("[data-field]");
    if (control.value !== "" && cents(control.value) === undefined && field !== null) {
      markField(field, "Write an amount like 45 or 45.50.");
      wrong.push(control);
    }
  }
  focusFirstError(form);
  return wrong.length === 0;
}

/** Tells a problem: beside its fields where they are known, in the form's banner otherwise. */
export function tellProblem(form: HTMLFormElement, problem: Problem): void {
  const homeless: string[] = [];
  for (const error of problem.errors) {
    const name = error.pointer.replace(/^[#/]*/, "").split("/")[0] ?? "";
    const field = name === "" ? null : fieldNamed(form, name);
    if (field === null) homeless.push(error.detail);
    else markField(field, error.detail);
  }
  const hasTold = problem.errors.length > homeless.length;
  const banner = form.querySelector<HTMLElement>("[data-form-problem]");
  if (banner !== null && (!hasTold || homeless.length > 0)) {
    showProblem(banner, homeless.length > 0 ? homeless.join(" ") : sentence(problem));
  } else focusFirstError(form);
}
