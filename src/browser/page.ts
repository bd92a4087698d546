/** What the server wrote into the page for its scripts. */

const body = document.body;

/** Who is signed in; 0 on pages for strangers. */
export const viewerId = Number(body.dataset.userId ?? 0);

const strings: Record<string, string> = JSON.parse(body.dataset.strings ?? "{}");
const plurals = new Intl.PluralRules(document.documentElement.lang);

/** A sentence of the catalogue with its placeholders filled; `count` chooses between one and other. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  const form = typeof values.count === "number" ? `.${plurals.select(values.count)}` : "";
  const text = strings[key + form] ?? strings[`${key}.other`] ?? strings[key] ?? "";
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The first element that matches, of the kind asked for. */
export function find<T extends Element>(
  selector: string,
  kind: new () => T,
  root: ParentNode = document,
): T | null {
  const element = root.querySelector(selector);
  return element instanceof kind ? element : null;
}

/** The server's own markup as an element. */
export function elementOf(html: string): HTMLElement {
  const [element] = elementsOf(html);
  if (!element) throw new TypeError("not an element");
  return element;
}

/** The same for several that follow each other, parsed at once; the only place where text becomes markup. */
export function elementsOf(html: string): HTMLElement[] {
  const template = document.createElement("template");
  template.innerHTML = policy.createHTML(html);
  return [...template.content.children].filter((element) => element instanceof HTMLElement);
}

interface Policy {
  createHTML(html: string): string;
}
declare global {
  interface Window {
    trustedTypes?: { createPolicy(name: string, rules: Policy): Policy };
  }
}
const trusting: Policy = { createHTML: (html) => html };
const policy = window.trustedTypes?.createPolicy("causerie", trusting) ?? trusting;

/** A copy of what a `<template>` holds. */
export function copyOf(selector: string): HTMLElement | null {
  const content = find(selector, HTMLTemplateElement)?.content.firstElementChild?.cloneNode(true);
  return content instanceof HTMLElement ? content : null;
}

/** Runs `work` at most once in `ms`, the last call's turn included. */
export function throttled(work: () => void, ms: number): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    window.setTimeout(() => {
      isDue = false;
      work();
    }, ms);
  };
}

const NO_FRAME_MS = 250;

/** Resolves after the next frame is drawn, in a task of its own; where nobody looks none is drawn, then after a while. */
export function drawnFrame(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, NO_FRAME_MS);
  });
}

/** A random UUID; `crypto.randomUUID` is missing over plain http, as on a home network. */
export function newUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
