import type { Causerie } from "./causerie.ts";
import { request } from "./person.ts";

/** Posts a form as somebody whose cookies are `cookie`; empty for a stranger. */
export function postForm(
  causerie: Causerie,
  path: string,
  fields: Record<string, string>,
  { cookie = "", headers = {} }: { cookie?: string; headers?: Record<string, string> } = {},
): Promise<Response> {
  return request(causerie, cookie, path, { method: "POST", body: new URLSearchParams(fields), headers });
}

/** Posts a body as it stands, under a content type. */
export function postRaw(
  causerie: Causerie,
  path: string,
  type: string,
  body: string | Uint8Array<ArrayBuffer>,
  { cookie = "", headers = {} }: { cookie?: string; headers?: Record<string, string> } = {},
): Promise<Response> {
  return request(causerie, cookie, path, {
    method: "POST",
    body,
    headers: { "content-type": type, ...headers },
  });
}

/** What stands in an input of a page; null where the page has no such input. */
export function fieldValue(html: string, name: string): string | null {
  const input = new RegExp(`<input[^>]* name="${name}"[^>]*>`).exec(html)?.[0];
  return input === undefined ? null : unescapeHtml(/ value="([^"]*)"/.exec(input)?.[1] ?? "");
}

/** The text of the element with an id; null where the page has none. */
export function textOf(html: string, id: string): string | null {
  const text = new RegExp(`<(\\w+)[^>]* id="${id}"[^>]*>([\\s\\S]*?)</\\1>`).exec(html)?.[2];
  return text === undefined ? null : unescapeHtml(text.trim());
}

const ENTITIES: Record<string, string> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#x27;": "'",
  "&#x3D;": "=",
  "&#x60;": "`",
  "&amp;": "&",
};

/** Text as a browser shows it. */
export function unescapeHtml(html: string): string {
  return html.replace(/&(?:lt|gt|quot|amp|#x27|#x3D|#x60);/g, (entity) => ENTITIES[entity] ?? entity);
}
