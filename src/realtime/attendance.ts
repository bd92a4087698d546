import { changed, presenceTopic } from "../platform/changes.ts";
import { retryingDeadlocks } from "../platform/db-errors.ts";
import { log } from "../platform/log.ts";
import {
  type Change,
  endLeasesOf,
  endNodeLeases,
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
  soon();
  came.push({ userId, pageId });
}

/** A socket closed. */
export function left(userId: number, socketId: string): void {
  const sockets = socketsByUser.get(userId);
  sockets?.delete(socketId);
  if (sockets?.size !== 0) return;
  socketsByUser.delete(userId);
  soon();
  went.push(userId);
}

let came: { userId: number; pageId: string | null }[] = [];
let went: number[] = [];

/** All who came and went in one turn of the event loop together: after a restart everybody comes at once. */
function soon(): void {
  if (came.length + went.length === 0) setImmediate(tellOfTurn);
}

function tellOfTurn(): void {
  const [arrivals, leavers] = [came, went];
  [came, went] = [[], []];
  const isHere = (userId: number) => socketsByUser.has(userId);
  // In this order, so that somebody who moves between pages is online throughout.
  tell(renewLeases([...new Set(arrivals.map(({ userId }) => userId))].filter(isHere)));
  tell(endLeasesOf(arrivals.flatMap(({ userId, pageId }) => (pageId === null ? [] : [{ userId, pageId }]))));
  tell(endPageLeases(...arrivals.filter(({ pageId }) => pageId === null).map(({ userId }) => userId)));
  tell(endNodeLeases([...new Set(leavers)].filter((userId) => !isHere(userId))));
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
  const seen = new Map(gone.map(({ userId, at }) => [userId, at]));
  await retryingDeadlocks(() => updateLastSeen(seen));
  changed(gone.map(({ userId }) => presenceTopic(userId)));
}

/** Resolves once nobody's going is still on its way to the stores; for an orderly stop. */
export async function attendanceSettled(): Promise<void> {
  // What the last turn brought is told first.
  await new Promise(setImmediate);
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
