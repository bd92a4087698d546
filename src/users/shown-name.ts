import { type Locale, translate } from "../platform/i18n.ts";

/** How somebody is called: by their name, which a deleted account has no more. */
export function shownName(username: string, locale: Locale): string {
  return username === "" ? translate(locale, "people.deleted") : username;
}
