import { t } from "./page.ts";

/** Times in the reader's own zone, in the page's language. */

const language = document.documentElement.lang;
const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const full = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" });
const longDay = new Intl.DateTimeFormat(language, {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
});
const shortDay = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });

/** `2026-11-21`; asked for several times a message, and formatting with `Intl` is slow. */
export function dayOf(date: Date): string {
  const [month, day] = [date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0"));
  return `${date.getFullYear()}-${month}-${day}`;
}

/** Today, Yesterday, or the day in full. */
export function dayLabel(date: Date): string {
  const yesterday = new Date();
  yesterday.setDate(yesterday.getDate() - 1);
  if (dayOf(date) === dayOf(new Date())) return t("day.today");
  return dayOf(date) === dayOf(yesterday) ? t("day.yesterday") : longDay.format(date);
}

/** For the list: the time today, else the date. */
export function shortTime(date: Date): string {
  return dayOf(date) === dayOf(new Date()) ? time.format(date) : shortDay.format(date);
}

/** For "last seen": the time today, else date and time. */
export function whenLabel(date: Date): string {
  return dayOf(date) === dayOf(new Date())
    ? time.format(date)
    : `${shortDay.format(date)}, ${time.format(date)}`;
}

/** Writes a message's time for this reader. */
export function showTime(message: HTMLElement): void {
  const element = message.querySelector("time");
  if (!element?.dateTime) return;
  const date = new Date(element.dateTime);
  const text = time.format(date);
  if (element.textContent !== text) element.textContent = text;
}

/** The whole date beside a message's time, once somebody points at it. */
export function showFullTime({ target }: Event): void {
  if (target instanceof HTMLTimeElement) target.title ||= full.format(new Date(target.dateTime));
}

/** Tells the server this browser's zone, so that the next page is right as it comes. */
export function rememberZone(): void {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const isSecure = location.protocol === "https:";
  const pair = `${isSecure ? "__Host-" : ""}tz=${encodeURIComponent(zone)}`;
  if (!document.cookie.split("; ").includes(pair)) {
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing over plain http
    document.cookie = `${pair}; path=/; max-age=31536000; samesite=lax${isSecure ? "; secure" : ""}`;
  }
}
