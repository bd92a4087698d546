import type { Response } from "express";
import { clockOf } from "../platform/context.ts";
import { translate } from "../platform/i18n.ts";
import { type Clock, whenLabel } from "../platform/times.ts";
import type { ActiveSession } from "./sessions.ts";

/** What the page of sessions shows. */
export function sessionsContext(response: Response, sessions: ActiveSession[]) {
  return {
    sessions: sessions.map((session) => sessionContext(session, clockOf(response))),
    hasOthers: sessions.some(({ isCurrent }) => !isCurrent),
    isUtc: response.locals.timeZone === "UTC",
  };
}

/** What one session is called, and the reader's times. */
export function sessionContext(session: ActiveSession, clock: Clock) {
  const { id, address, isCurrent, createdAt, usedAt } = session;
  return {
    ...{ id, address, isCurrent },
    device: deviceName(session, clock.locale),
    created: { at: createdAt.toISOString(), label: whenLabel(createdAt, clock) },
    used: { at: usedAt.toISOString(), label: whenLabel(usedAt, clock) },
  };
}

function deviceName({ browser, system }: ActiveSession, locale: string): string {
  if (browser && system) return translate(locale, "sessions.device", { browser, system });
  return browser || system || translate(locale, "sessions.unknownDevice");
}
