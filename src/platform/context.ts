import { randomUUID } from "node:crypto";
import type { Request, RequestHandler, Response } from "express";
import { findViewer, type Viewer } from "../users/users.queries.ts";
import { accountOf } from "./changes.ts";
import { config } from "./config.ts";
import { type Refusal, unauthorized } from "./errors.ts";
import { isLocale, type Locale, locales, negotiateLocale, refusalText, translate } from "./i18n.ts";
import { Kept } from "./kept.ts";
import { remembered } from "./remembered.ts";
import { type Clock, parseTimeZone } from "./times.ts";

declare global {
  namespace Express {
    /** What every page may use; set by `anonymousContext` and `viewerContext`. */
    interface Locals {
      requestId: string;
      /** Names this page where its socket has to be told from another page's. */
      pageId: string;
      viewer: Viewer | null;
      locale: Locale;
      theme: string;
      timeZone: string;
    }
  }
}

const YEAR_MS = 365 * 86_400_000;
const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);
/** Sentences that the page's scripts show by themselves. */
const CLIENT_KEYS = [
  ...["state.pending", "state.sent", "state.delivered", "state.read", "state.failed", "status.online"],
  ...["status.offline", "status.lastSeen", "status.unknown", "typing", "people.you", "people.deleted"],
  ...[
    "people.noMatches",
    "people.unread.one",
    "people.unread.other",
    "day.today",
    "day.yesterday",
    "chat.deleted",
  ],
  ...["chat.error.empty", "chat.error.tooLong", "chat.error.invalid", "chat.error.unavailable"],
];

/** The context before anybody is known: by cookies and headers alone, so that every error page has one. */
export const anonymousContext: RequestHandler = (request, response, next) => {
  const { locals } = response;
  locals.requestId = randomUUID();
  locals.pageId = locals.requestId;
  locals.viewer = null;
  const chosen = readCookie(request, choiceCookie("locale"));
  setLocale(response, isLocale(chosen) ? chosen : acceptedLocale(request));
  setTheme(request, response, readCookie(request, choiceCookie("theme")));
  locals.timeZone = parseTimeZone(readCookie(request, choiceCookie("tz")) ?? "") ?? "UTC";
  locals.here = request.method === "GET" || request.method === "HEAD" ? request.originalUrl : "/";
  // Asks browsers to tell whether the system is dark, for a toggle that is right without scripts.
  response.set("Accept-CH", "Sec-CH-Prefers-Color-Scheme");
  next();
};

/** Adds who is signed in, by the session; a session of before "end all others" counts as none. */
export const viewerContext: RequestHandler = async (request, response, next) => {
  const { userId, authVersion } = request.session ?? {};
  const viewer = userId === undefined ? undefined : await keptViewer(userId);
  if (viewer && viewer.authVersion === authVersion) {
    response.locals.viewer = viewer;
    if (isLocale(viewer.locale)) setLocale(response, viewer.locale);
    if (viewer.theme !== null) setTheme(request, response, viewer.theme);
    response.locals.timeZone = viewer.timeZone ?? response.locals.timeZone;
  }
  next();
};

/** Below the second in which a changed password or an ended account must be out, should nobody tell of it. */
const VIEWER_MAX_AGE_MS = 500;
const VIEWER_BYTES = 300;

const viewers = new Kept<Viewer | undefined>(VIEWER_MAX_AGE_MS, 1 / 32);

function keptViewer(userId: number): Promise<Viewer | undefined> {
  return viewers.get(String(userId), async () => ({
    value: await findViewer(userId),
    topics: [accountOf(userId)],
    bytes: VIEWER_BYTES,
  }));
}

/** Who asks. @throws Refusal `unauthorized` when nobody is signed in */
export function viewerOf(response: Response): Viewer {
  if (!response.locals.viewer) throw unauthorized();
  return response.locals.viewer;
}

/** The same as an actor of the domain. */
export const actorOf = (response: Response) => ({ userId: viewerOf(response).id });

/** The reader's clock. */
export function clockOf(response: Response): Clock {
  return { locale: response.locals.locale, timeZone: response.locals.timeZone };
}

/** A refusal's sentence in the reader's language. */
export function sentenceOf(response: Response, refusal: Refusal): string {
  return refusalText(response.locals.locale, refusal);
}

type Choice = "locale" | "theme" | "tz";

/** The cookie of a choice; behind https its prefix keeps neighbour domains from setting it. */
const choiceCookie = (name: Choice) => (config.https ? `__Host-${name}` : name);

/** Remembers a choice in the browser. */
export function rememberChoice(response: Response, name: Choice, value: string): void {
  response.cookie(choiceCookie(name), value, {
    maxAge: YEAR_MS,
    sameSite: "lax",
    path: "/",
    secure: config.https,
  });
}

/** A path of this site to go back to; anything that leads elsewhere becomes `/`. */
export function safePath(text: unknown): string {
  if (typeof text !== "string" || !text.startsWith("/") || text.length > 2000) return "/";
  const base = "http://this.invalid";
  if (!URL.canParse(text, base)) return "/";
  const url = new URL(text, base);
  // Of "/.//elsewhere" the parser leaves "//elsewhere", which browsers take for another site.
  return url.origin === base && !url.pathname.startsWith("//") ? url.pathname + url.search : "/";
}

const acceptedLocale = remembered(
  (request: Request) => request.headers["accept-language"] ?? "",
  (request) => negotiateLocale(request.acceptsLanguages()),
);

function setLocale(response: Response, locale: Locale): void {
  Object.assign(response.locals, ofLocale(locale));
}

/** What is the same for everybody who reads a language. */
const ofLocale = remembered(
  (locale: Locale) => locale,
  (locale) => ({
    locale,
    dir: RIGHT_TO_LEFT.has(locale) ? "rtl" : "ltr",
    locales: locales.map((each) => ({ ...each, current: each.code === locale })),
    clientStrings: JSON.stringify(
      Object.fromEntries(CLIENT_KEYS.map((key) => [key, translate(locale, key)])),
    ),
  }),
);

function setTheme(request: Request, response: Response, theme: string | undefined): void {
  const chosen = theme === "dark" || theme === "light" ? theme : "";
  const looksDark =
    chosen === "dark" || (chosen === "" && request.get("Sec-CH-Prefers-Color-Scheme") === "dark");
  response.locals.theme = chosen;
  response.locals.nextTheme = looksDark ? "light" : "dark";
}

/** A cookie as the browser sent it. */
export function readCookie(request: Request, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const [key, value] = pair.split("=");
    if (key?.trim() === name && value !== undefined) return decode(value.trim());
  }
  return undefined;
}

function decode(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
