import { changed, presenceTopic } from "../platform/changes.ts";
import { log } from "../platform/log.ts";
import {
  type Change,
  endNodeLease,
  endPageLease,
  endPageLeases,
  renewLeases,
  sweepLeases,
} from "../users/presence.ts";
import { updateLastSeen } from "../users/users.queries.ts";
import { publishPresence } from "./publish.ts";

/** Who has a socket open on this node, and the keeping of their leases. */

const RENEW_MS = 8000; // a node's lease lasts 25 s: two renewals may fail
const SWEEP_MS = 1500;

const socketsByUser = new Map<number, Set<string>>();

/** A socket was accepted. */
export function arrived(userId: number, socketId: string, pageId: string | null): void {
  const sockets = socketsByUser.get(userId) ?? new Set();
  socketsByUser.set(userId, sockets.add(socketId));
  // In this order, so that somebody who moves between pages is online throughout.
  tell(renewLeases([userId]));
  tell(pageId === null ? endPageLeases(userId) : endPageLease(userId, pageId));
}

/** A socket closed. */
export function left(userId: number, socketId: string): void {
  const sockets = socketsByUser.get(userId);
  sockets?.delete(socketId);
  if (sockets?.size !== 0) return;
  socketsByUser.delete(userId);
  tell(endNodeLease(userId));
}

/** Renews this node's leases and announces whoever's ran out; stops with the returned function. */
export function keepAttendance(): () => void {
  const timers = [
    setInterval(() => tell(renewLeases([...socketsByUser.keys()])), RENEW_MS),
    setInterval(() => tell(sweepLeases()), SWEEP_MS),
  ];
  return () => timers.forEach(clearInterval);
}

/** Tells watchers, and keeps when those who went were last seen. */
export async function announce(changes: Change[]): Promise<void> {
  publishPresence(changes);
  const gone = changes.filter((change) => !change.online);
  await updateLastSeen(new Map(gone.map(({ userId, at }) => [userId, at])));
  changed(gone.map(({ userId }) => presenceTopic(userId)));
}

/** Resolves once nobody's going is still on its way to the stores; for an orderly stop. */
export async function attendanceSettled(): Promise<void> {
  await Promise.allSettled(pending);
}

const pending = new Set<Promise<void>>();

/** Nothing waits for presence, and while Redis is away leases run out by themselves. */
function tell(changes: Promise<Change[]>): void {
  const told = changes
    .then(announce)
    .catch((error) => log.debug({ reason: String(error) }, "presence is not known"));
  pending.add(told);
  told.finally(() => pending.delete(told));
}
