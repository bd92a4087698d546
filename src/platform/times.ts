import { type Locale, translate } from "./i18n.ts";

/** Whose clock and words times are shown in. */
export interface Clock {
  locale: Locale;
  /** IANA name, such as Europe/Paris. */
  timeZone: string;
}

const SHAPES = {
  day: { weekday: "long", day: "numeric", month: "long", year: "numeric" },
  shortDate: { day: "numeric", month: "short" },
} satisfies Record<string, Intl.DateTimeFormatOptions>;

const NUMERIC: Intl.DateTimeFormatOptions = {
  ...{ year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" },
  ...{ hourCycle: "h23", calendar: "gregory", numberingSystem: "latn" },
};

const formats = new Map<string, Intl.DateTimeFormat>();

function format(shape: keyof typeof SHAPES, { locale, timeZone }: Clock): Intl.DateTimeFormat {
  const key = `${shape} ${locale} ${timeZone}`;
  const made = formats.get(key) ?? new Intl.DateTimeFormat(locale, { ...SHAPES[shape], timeZone });
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

/** `2026-11-21` in the reader's zone. */
const dateOf = (date: Date, clock: Clock) => localOf(date, clock).date;

/** Zones change their clocks at quarters of an hour, so what was found out holds for one: asking is dear. */
const QUARTER_MS = 900_000;
const MINUTE_MS = 60_000;
const QUARTERS_MAX = 1000;

/** A quarter of an hour as a zone's clocks show it. */
interface Quarter {
  date: string;
  /** Minutes since midnight at its beginning. */
  minute: number;
}

/** By zone, of which there are hundreds, and by quarter since 1970. */
const quarters = new Map<string, Map<number, Quarter>>();

/** All times of a day, from `00:00` on. */
const TIMES = Array.from({ length: 1440 }, (_none, minute) =>
  new Date(minute * MINUTE_MS).toISOString().slice(11, 16),
);

/** Date and time as the reader's clock has them, in the shapes of ISO 8601. */
export function localOf(date: Date, { timeZone }: Clock): { date: string; time: string } {
  const at = date.getTime();
  const number = Math.floor(at / QUARTER_MS);
  const ofZone = quarters.get(timeZone) ?? new Map<number, Quarter>();
  let quarter = ofZone.get(number);
  if (!quarter) {
    quarter = quarterOf(number, timeZone);
    if (ofZone.size >= QUARTERS_MAX) ofZone.clear();
    quarters.set(timeZone, ofZone.set(number, quarter));
  }
  const minute = quarter.minute + Math.floor((at - number * QUARTER_MS) / MINUTE_MS);
  return { date: quarter.date, time: TIMES[minute] ?? "" };
}

function quarterOf(number: number, timeZone: string): Quarter {
  const start = new Date(number * QUARTER_MS);
  const local = new Date(start.getTime() + offsetOf(start, timeZone));
  return { date: local.toISOString().slice(0, 10), minute: local.getUTCHours() * 60 + local.getUTCMinutes() };
}

/** How far a zone is ahead of UTC, in ms. */
function offsetOf(date: Date, timeZone: string): number {
  const { year, month, day, hour, minute } = Object.fromEntries(
    parts(timeZone)
      .formatToParts(date)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const minutes = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute);
  return minutes - Math.floor(date.getTime() / 60_000) * 60_000;
}

function parts(timeZone: string): Intl.DateTimeFormat {
  const key = `parts ${timeZone}`;
  const made = formats.get(key) ?? new Intl.DateTimeFormat("en", { ...NUMERIC, timeZone });
  formats.set(key, made);
  return made;
}

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
  const local = localOf(date, clock);
  return local.date === dateOf(now, clock) ? local.time : format("shortDate", clock).format(date);
}

/** For "last seen": the time today, else date and time. */
export function whenLabel(date: Date, clock: Clock, now = new Date()): string {
  const local = localOf(date, clock);
  if (local.date === dateOf(now, clock)) return local.time;
  return `${format("shortDate", clock).format(date)}, ${local.time}`;
}
