import { type Locale, translate } from "./i18n.ts";

/** Whose clock and words times are shown in. */
export interface Clock {
  locale: Locale;
  /** IANA name, such as Europe/Paris. */
  timeZone: string;
}

const SHAPES = {
  time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  day: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  shortDate: { day: "numeric", month: "short" },
} satisfies Record<string, Intl.DateTimeFormatOptions>;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(shape: keyof typeof SHAPES | "iso", { locale, timeZone }: Clock): Intl.DateTimeFormat {
  const key = `${shape} ${locale} ${timeZone}`;
  const made =
    formats.get(key) ??
    (shape === "iso"
      ? new Intl.DateTimeFormat("en-CA", { timeZone })
      : new Intl.DateTimeFormat(locale, { ...SHAPES[shape], timeZone }));
  formats.set(key, made);
  return made;
}

/** Time zones this runtime knows, UTC first. */
export const timeZones = ["UTC", ...Intl.supportedValuesOf("timeZone")];
const known = new Map(timeZones.map((name) => [name.toLowerCase(), name]));

/** The zone's proper name, or null where there is none of this name. Other names of a zone (Asia/Kolkata) count. */
export function parseTimeZone(name: string): string | null {
  const trimmed = name.trim();
  return known.get(trimmed.toLowerCase()) ?? (/^[a-z]/i.test(trimmed) ? canonicalZone(trimmed) : null);
}

function canonicalZone(name: string): string | null {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/** `12:04` */
export const timeOf = (date: Date, clock: Clock) => format("time", clock).format(date);

/** `2026-11-21` in the reader's zone. */
export const dateOf = (date: Date, clock: Clock) => format("iso", clock).format(date);

/** Today, Yesterday, or the day in full. */
export function dayLabel(date: Date, clock: Clock, now = new Date()): string {
  const day = dateOf(date, clock);
  if (day === dateOf(now, clock)) return translate(clock.locale, "day.today");
  if (day === dateOf(new Date(now.getTime() - 86_400_000), clock))
    return translate(clock.locale, "day.yesterday");
  return format("day", clock).format(date);
}

/** For the list: the time today, else the date. */
export function shortTimeOf(date: Date, clock: Clock, now = new Date()): string {
  return dateOf(date, clock) === dateOf(now, clock)
    ? timeOf(date, clock)
    : format("shortDate", clock).format(date);
}

/** For "last seen": the time today, else date and time. */
export function whenLabel(date: Date, clock: Clock, now = new Date()): string {
  const isToday = dateOf(date, clock) === dateOf(now, clock);
  return isToday ? timeOf(date, clock) : `${format("shortDate", clock).format(date)}, ${timeOf(date, clock)}`;
}
