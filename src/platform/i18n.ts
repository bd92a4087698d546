import { readdirSync, readFileSync } from "node:fs";
import type { Refusal } from "./errors.ts";

/** Languages that have a catalogue in locales/, by their code. */
export type Locale = string;

const FOLDER = new URL("../../locales/", import.meta.url);
const DEFAULT_LOCALE = "en";
const NAMES: Record<Locale, string> = { en: "English", fr: "Français" };

const catalogues = new Map<Locale, Record<string, string>>();
for (const file of readdirSync(FOLDER)) {
  if (file.endsWith(".json"))
    catalogues.set(file.slice(0, -5), JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")));
}
const plurals = new Map([...catalogues.keys()].map((locale) => [locale, new Intl.PluralRules(locale)]));

/** The languages people can choose from, each under its own name. */
export const locales = [...catalogues.keys()].map((code) => ({ code, name: NAMES[code] ?? code }));

export function isLocale(text: unknown): text is Locale {
  return typeof text === "string" && catalogues.has(text);
}

/** The first language of an Accept-Language header that has a catalogue; English otherwise. */
export function negotiateLocale(accepted: readonly string[]): Locale {
  const codes = accepted.map((tag) => tag.split("-")[0]?.toLowerCase() ?? "");
  return codes.find(isLocale) ?? DEFAULT_LOCALE;
}

/**
 * A sentence of the catalogue with its `{placeholders}` filled. Where the catalogue has `key.one` and
 * `key.other`, `values.count` decides by the language's rules.
 */
export function translate(locale: Locale, key: string, values: Record<string, unknown> = {}): string {
  const text = sentence(locale, key, values) ?? sentence(DEFAULT_LOCALE, key, values) ?? key;
  if (!text.includes("{")) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

/** A refusal's sentence; `{when}` in it becomes "in 12 minutes", when the same may be tried again. */
export function refusalText(locale: Locale, { key, values, retryAfterS }: Refusal): string {
  return translate(
    locale,
    key,
    retryAfterS === null ? values : { ...values, when: after(locale, retryAfterS) },
  );
}

/** `in 40 seconds`, `in 12 minutes`, `in 2 hours`; rather too late than too early. */
function after(locale: Locale, seconds: number): string {
  const [amount, unit] = UNITS.find(([size]) => seconds <= 90 * size) ?? HOUR;
  return new Intl.RelativeTimeFormat(locale).format(Math.ceil(seconds / amount), unit);
}

const HOUR: [number, "hour"] = [3600, "hour"];
const UNITS: [number, "second" | "minute"][] = [
  [1, "second"],
  [60, "minute"],
];

function sentence(locale: Locale, key: string, values: Record<string, unknown>): string | undefined {
  const catalogue = catalogues.get(locale);
  if (typeof values.count !== "number") return catalogue?.[key];
  const form = plurals.get(locale)?.select(values.count) ?? "other";
  return catalogue?.[`${key}.${form}`] ?? catalogue?.[`${key}.other`] ?? catalogue?.[key];
}
