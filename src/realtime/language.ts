import type { IncomingMessage } from "node:http";
import { isLocale, type Locale, negotiateLocale } from "../platform/i18n.ts";

/** The language of a handshake, as pages choose it for somebody who is not known yet. */
export function translatorOf(request: IncomingMessage): Locale {
  const chosen = /(?:^|;\s*)(?:__Host-)?locale=([a-z]+)/.exec(request.headers.cookie ?? "")?.[1];
  if (isLocale(chosen)) return chosen;
  const accepted = (request.headers["accept-language"] ?? "")
    .split(",")
    .map((part) => part.split(";")[0]?.trim() ?? "");
  return negotiateLocale(accepted);
}
