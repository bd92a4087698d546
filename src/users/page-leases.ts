import { log } from "../platform/log.ts";
import { publishPresence } from "../realtime/publish.ts";
import { type Change, leaseNoScriptPage, leasePage } from "./presence.ts";

/** Holds somebody online while a page that they asked for opens its socket. No page waits for this. */
export function holdPage(userId: number, pageId: string): void {
  tell(leasePage(userId, pageId));
}

/** Holds somebody online who was shown a page without scripts. */
export function holdNoScriptPage(userId: number): void {
  tell(leaseNoScriptPage(userId));
}

function tell(changes: Promise<Change[]>): void {
  changes.then(publishPresence, (error) => log.debug({ reason: String(error) }, "presence is not known"));
}
