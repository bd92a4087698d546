import { log } from "../platform/log.ts";
import { publishPresence } from "../realtime/publish.ts";
import { type Change, leaseNoScriptPage, leasePages } from "./presence.ts";

let asked: { userId: number; pageId: string }[] = [];

/**
 * Holds somebody online while a page that they asked for opens its socket. No page waits for this; those of one turn
 * of the event loop go to Redis together, before any of their sockets can have come.
 */
export function holdPage(userId: number, pageId: string): void {
  if (asked.length === 0) setImmediate(holdAsked);
  asked.push({ userId, pageId });
}

function holdAsked(): void {
  const pages = asked;
  asked = [];
  tell(leasePages(pages));
}

/** Holds somebody online who was shown a page without scripts. */
export function holdNoScriptPage(userId: number): void {
  tell(leaseNoScriptPage(userId));
}

function tell(changes: Promise<Change[]>): void {
  changes.then(publishPresence, (error) => log.debug({ reason: String(error) }, "presence is not known"));
}
