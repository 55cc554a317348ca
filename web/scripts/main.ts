import "../styles/main.css";

import { showKeptToast } from "./lib/toasts.ts";
import { adoptBrowserZone } from "./lib/zones.ts";

/** A behaviour: one module, mounted on each element that names it in `data-module`. */
interface Behaviour {
  mount(element: HTMLElement): void;
}

const behaviours = import.meta.glob<Behaviour>("./modules/*.ts");

async function mount(element: HTMLElement): Promise<void> {
  const name = element.dataset.module ?? "";
  const load = behaviours[`./modules/${name}.ts`];
  if (load === undefined) throw new Error(`no module named ${name}`);
  (await load()).mount(element);
  element.dataset.mounted = "";
}

adoptBrowserZone();
showKeptToast();
for (const element of document.querySelectorAll<HTMLElement>("[data-module]")) void mount(element);
