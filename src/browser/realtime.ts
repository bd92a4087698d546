import { io, type Socket } from "socket.io-client";
import type { ClientEvents, Failure, ServerEvents } from "../realtime/events.ts";
import { find, throttled, viewerId } from "./page.ts";

/** The one connection to the server, and what happens when it comes and goes. */

const ANSWER_MS = 10_000;
const REFRESH_MS = 25_000;
const REFRESH_JITTER_MS = 3000;
const WAKE_MS = 100;
const JUST_DONE_MS = 1000;
const BANNER_MS = 1000;

const socket: Socket = io({
  ...{ transports: ["websocket"], autoConnect: false, auth: { pageId: document.body.dataset.pageId } },
  ...{ reconnectionDelay: 300, reconnectionDelayMax: 5000, randomizationFactor: 0.5, timeout: 8000 },
});

/** Runs `take` for each piece of news of this kind. */
export function onNews<Event extends keyof ServerEvents>(
  event: Event,
  take: (news: Parameters<ServerEvents[Event]>[0]) => void,
): void {
  socket.on(event as string, take);
}
export const isConnected = () => socket.connected;

type Answer<Event extends keyof ClientEvents> = Parameters<
  Exclude<Parameters<ClientEvents[Event]>[1], undefined>
>[0];
type Success<Event extends keyof ClientEvents> = Exclude<Answer<Event>, Failure>;

/** A refusal by the server, or none at all: then `code` is `unknown`. */
export class Refused extends Error {
  readonly code: string;
  /** Milliseconds after which the same may be tried again; null where nobody can say. */
  readonly retryAfterMs: number | null;
  constructor(code: string, message: string, retryAfterS?: number) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterS === undefined ? null : retryAfterS * 1000;
  }
}

/** Asks the server. @throws Refused, with `unknown` when there was no answer in time */
export async function request<Event extends keyof ClientEvents>(
  event: Event,
  input: Parameters<ClientEvents[Event]>[0],
): Promise<Success<Event>> {
  // Offline, Socket.IO would keep it and send it whenever; who asks decides about that.
  if (!socket.connected) throw new Refused("unknown", "");
  let answer: Success<Event> | Failure;
  try {
    answer = await socket.timeout(ANSWER_MS).emitWithAck(event, input);
  } catch {
    throw new Refused("unknown", "");
  }
  if (!answer.ok) throw new Refused(answer.error.code, answer.error.message, answer.error.retryAfterS);
  return answer;
}

const refreshers: (() => void)[] = [];

/** Runs whenever something may have been missed: on connecting, waking up, becoming visible, and now and then. */
export function onRefresh(refresh: () => void): void {
  refreshers.push(refresh);
}

let refreshedAt = 0;

function refresh(): void {
  if (!socket.connected) return;
  refreshedAt = Date.now();
  for (const each of refreshers) each();
}

/** A page that opens connects and gets the focus as well; by the wall's clock, which goes on while a machine sleeps. */
function refreshUnlessJustDone(): void {
  if (Math.abs(Date.now() - refreshedAt) > JUST_DONE_MS) refresh();
}

/** Connects, and keeps the page true from then on. */
export function connect(): void {
  socket.on("connect", () => {
    document.body.dataset.connected = "";
    reason = "";
    showBanner(false);
    refresh();
  });
  // The whole house is told at once, and must not come asking at once.
  onNews("refresh", () => setTimeout(refresh, Math.random() * REFRESH_JITTER_MS));
  socket.on("disconnect", (reason) => {
    delete document.body.dataset.connected;
    showBannerSoon();
    if (reason === "io server disconnect") void returnOrLeave();
  });
  socket.on("connect_error", (error: RefusedConnection) => {
    const { message } = error.data ?? {};
    reason = typeof message === "string" ? message : "";
    showBannerSoon();
    if (error.message === "unauthorized") void returnOrLeave();
    // Refused by the server itself: then Socket.IO does not try again.
    else if (!socket.active) setTimeout(() => socket.connect(), retryAfterMs(error));
  });
  const wake = throttled(refreshUnlessJustDone, WAKE_MS); // both of these come at once
  for (const event of ["visibilitychange", "focus"]) {
    window.addEventListener(event, () => document.visibilityState === "visible" && wake());
  }
  window.addEventListener("online", () => (socket.connected ? refresh() : socket.connect()));
  window.addEventListener(
    "pageshow",
    (event) => event.persisted && (socket.connected ? refresh() : socket.connect()),
  );
  document.addEventListener("submit", ({ target }) => {
    isLoggingOut = target instanceof HTMLFormElement && new URL(target.action).pathname === "/logout";
  });
  refreshNowAndThen();
  socket.connect();
}

/** The form itself leads to the login then. */
let isLoggingOut = false;

/** With jitter, so that a thousand tabs that woke together do not keep asking together. */
function refreshNowAndThen(): void {
  setTimeout(
    () => {
      refresh();
      refreshNowAndThen();
    },
    REFRESH_MS * (0.8 + Math.random() * 0.4),
  );
}

/** The server closed the door: is the session over, or was it just this socket? */
async function returnOrLeave(): Promise<void> {
  if (isLoggingOut) return;
  try {
    const response = await fetch("/session");
    if (response.ok && (await response.json()).userId !== viewerId) {
      location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
  } catch {
    // No network either; trying again is all there is.
  }
  setTimeout(() => socket.connect(), 1000 + Math.random() * 2000);
}

const RETURN_MS = 5000;

/** What the server says to a page that may not connect now. */
type RefusedConnection = Error & { data?: { retryAfterS?: unknown; message?: unknown } };

function retryAfterMs(error: RefusedConnection): number {
  const seconds = error.data?.retryAfterS;
  return typeof seconds === "number" ? seconds * 1000 : RETURN_MS;
}

let bannerTimer: number | undefined;
/** Why there is no connection, where the server said it. */
let reason = "";
let usualText: string | undefined;

/** Not at once: a page that is being left also disconnects. */
function showBannerSoon(): void {
  bannerTimer ??= window.setTimeout(() => showBanner(!socket.connected), BANNER_MS);
}

function showBanner(shown: boolean): void {
  clearTimeout(bannerTimer);
  bannerTimer = undefined;
  const banner = find("[data-connection-banner]", HTMLElement);
  if (!banner) return;
  usualText ??= banner.textContent ?? "";
  // The same again would be read out again.
  const text = reason || usualText;
  if (shown && banner.textContent !== text) banner.textContent = text;
  banner.hidden = !shown;
}
