/** The one element that a module cannot work without. */
export function need<T extends HTMLElement>(root: ParentNode, selector: string): T {
  const element = root.querySelector<T>(selector);
  if (element === null) throw new Error(`the page lacks ${selector}`);
  return element;
}

export function all<T extends HTMLElement>(root: ParentNode, selector: string): T[] {
  return [...root.querySelectorAll<T>(selector)];
}

/** A value that the server wrote into a `data-` attribute. */
export function told(element: HTMLElement, key: string): string {
  const value = element.dataset[key];
  if (value === undefined) throw new Error(`the page lacks data-${key}`);
  return value;
}

type Attributes = Record<string, string | boolean | undefined>;

/** Builds an element; text stays text. `true` writes an empty attribute, `false` and `undefined` none. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function icon(name: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A copy of what stands in a `<template>`. */
export function stamp(selector: string): HTMLElement {
  const template = need<HTMLTemplateElement>(document, selector);
  const first = template.content.firstElementChild;
  if (!(first instanceof HTMLElement)) throw new Error(`${selector} is empty`);
  return document.importNode(first, true);
}

/** Shows a sentence in one of the page's waiting banners and moves the reader to it. */
export function showProblem(banner: HTMLElement, text: string): void {
  need(banner, "p").textContent = text;
  banner.hidden = false;
  banner.focus({ preventScroll: true });
  banner.scrollIntoView({ block: "nearest" });
}

export function setBusy(button: HTMLButtonElement, isBusy: boolean): void {
  button.disabled = isBusy;
  if (isBusy) button.setAttribute("aria-busy", "true");
  else button.removeAttribute("aria-busy");
}
