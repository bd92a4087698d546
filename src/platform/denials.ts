import { networkOfAddress } from "./addresses.ts";
import { type AuditFields, audit } from "./audit.ts";

/**
 * Lines about what was refused. To be refused costs nothing, so one network fills no log: in each window its first
 * denials have a line each, and the others are told together in one.
 */

const WINDOW_MS = 10_000;
const LINES_MAX = 30;
/** Above that many networks at once, those that come later share what one has. */
const NETWORKS_MAX = 10_000;

interface Window {
  address: string | undefined;
  denials: number;
}

const windows = new Map<string, Window>();

/** Writes down that a request, an event or a socket was refused. */
export function auditDenial(event: "denied" | "socket_denied", fields: AuditFields): void {
  const window = windowOf(fields.address);
  window.denials += 1;
  if (window.denials <= LINES_MAX) audit(event, fields);
}

function windowOf(address: string | undefined): Window {
  const own = networkOfAddress(address ?? "");
  const network = windows.has(own) || windows.size < NETWORKS_MAX ? own : "";
  const window = windows.get(network) ?? { address: network === own ? address : undefined, denials: 0 };
  if (window.denials === 0) setTimeout(() => close(network, window), WINDOW_MS).unref();
  windows.set(network, window);
  return window;
}

function close(network: string, { address, denials }: Window): void {
  windows.delete(network);
  if (denials > LINES_MAX) audit("denied", { address, reason: "more", count: denials - LINES_MAX });
}
