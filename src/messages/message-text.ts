import { linkifyit } from "linkify-it";
import { Refusal } from "../platform/errors.ts";

/** Longest message, in characters (code points), after trimming. */
export const MESSAGE_MAX = 4000;

/** White space, controls and what is drawn as nothing: a text of nothing else is blank to the eye. */
const INVISIBLE = /^[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]*$/u;

/**
 * A message's text as it is stored: line ends as LF (forms send CRLF, sockets LF, and both must be the same
 * message), trimmed.
 *
 * @throws Refusal `invalid` for blank text, NUL or lone surrogates, `too_large` beyond 4,000 characters
 */
export function parseMessageText(typed: string): string {
  const text = typed.replace(/\r\n?/g, "\n").trim();
  if (INVISIBLE.test(text)) throw new Refusal("invalid", "chat.error.empty");
  if (!text.isWellFormed() || text.includes("\0")) throw new Refusal("invalid", "chat.error.invalid");
  // Never fewer units than characters, and quicker to know.
  if (text.length <= MESSAGE_MAX) return text;
  const length = [...text].length;
  if (length > MESSAGE_MAX)
    throw new Refusal("too_large", "chat.error.tooLong", { max: MESSAGE_MAX, length });
  return text;
}

const links = linkifyit({ fuzzyLink: true, fuzzyEmail: false });
links.add("ftp:", null).add("//", null);

const MAY_HOLD_ADDRESS = /:|www\./i;

/** The text as HTML: everything escaped, addresses as links that tell the other site nothing of us. */
export function renderMessageText(text: string): string {
  let html = "";
  let end = 0;
  // Most texts have no address, and looking for one is dear.
  for (const link of MAY_HOLD_ADDRESS.test(text) ? (links.match(text) ?? []) : []) {
    // Without a scheme only www. is meant as an address: main.rs and readme.md are not.
    if (link.schema === "" && !/^www\./i.test(link.text)) continue;
    html += escapeHtml(text.slice(end, link.index));
    html += `<a href="${escapeHtml(link.url)}" target="_blank" rel="noopener noreferrer nofollow">${escapeHtml(link.text)}</a>`;
    end = link.lastIndex;
  }
  return html + escapeHtml(text.slice(end));
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
