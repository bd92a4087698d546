import type { Actor } from "../conversations/conversations.ts";
import { db } from "../platform/db.ts";
import { notFound, Refusal } from "../platform/errors.ts";
import { newToken } from "../platform/one-time-links.ts";
import { announce } from "../realtime/attendance.ts";
import { deleteResetOf, insertReset } from "../resets/resets.queries.ts";
import { endSessions } from "../sessions/sessions.ts";
import { deleteTwoStep } from "../two-step/two-step.queries.ts";
import { isTwoStepOn } from "../two-step/two-step.ts";
import { endPageLeases } from "../users/presence.ts";
import { usernameKey } from "../users/usernames.ts";
import {
  deleteInvitation,
  findOpenInvitations,
  findUser,
  findUsers,
  type InvitationRow,
  insertInvitation,
  isAdministrator,
  raiseAuthVersion,
  type UserRow,
  updateDisabled,
} from "./administration.queries.ts";

const DAY_MS = 86_400_000;
const INVITATION_MS = 7 * DAY_MS;
const RESET_MS = DAY_MS;
const NOTE_MAX = 64;

/** What somebody may open once, until a time. */
export interface MadeLink {
  token: string;
  expiresAt: Date;
}

export interface UsersPage {
  users: UserRow[];
  /** Where the next page starts, for `after`; null at the end. */
  next: string | null;
  invitations: InvitationRow[];
}

/** A page of the accounts, and the open invitations. @throws Refusal `not_found` for whoever is no administrator */
export async function listUsers(
  actor: Actor,
  { q, after, limit }: { q: string; after: string; limit: number },
): Promise<UsersPage> {
  await refuseOthers(actor);
  const [found, invitations] = await Promise.all([
    findUsers(usernameKey(q), after, limit + 1),
    findOpenInvitations(),
  ]);
  const users = found.slice(0, limit);
  const next = found.length > limit ? (users.at(-1)?.usernameKey ?? null) : null;
  return { users, next, invitations };
}

/**
 * Keeps somebody out, or lets them in again. Their sessions are over on every node, and their sockets are cut.
 *
 * @throws Refusal `not_found` for whoever is no administrator, and about whom there is nothing to change
 */
export async function setDisabled(actor: Actor, userId: number, isDisabled: boolean): Promise<void> {
  await refuseOthers(actor);
  await findOther(userId);
  await updateDisabled(userId, isDisabled);
  await sendAway(userId);
}

/** Ends every session of somebody, and cuts their sockets. @throws Refusal as `setDisabled` does */
export async function revokeSessions(actor: Actor, userId: number): Promise<void> {
  await refuseOthers(actor);
  await findOther(userId);
  await raiseAuthVersion(db, userId);
  await sendAway(userId);
}

/** A link by which somebody sets a new password, once, within a day. @throws Refusal as `setDisabled` does */
export async function makeReset(actor: Actor, userId: number): Promise<MadeLink & { username: string }> {
  await refuseOthers(actor);
  const { username } = await findOther(userId);
  const { token, hash } = newToken();
  const expiresAt = new Date(Date.now() + RESET_MS);
  await insertReset(userId, hash, expiresAt);
  return { token, expiresAt, username };
}

/** Makes somebody's link worth nothing. @throws Refusal as `setDisabled` does, also where there is none */
export async function withdrawReset(actor: Actor, userId: number): Promise<void> {
  await refuseOthers(actor);
  await findOther(userId);
  if (!(await deleteResetOf(db, userId))) throw notFound();
}

/**
 * Turns somebody's two-step login off, for whoever lost phone and recovery codes. Their sessions are over: whoever asked
 * for it may not have been they.
 *
 * @throws Refusal as `setDisabled` does, also where it is off
 */
export async function removeTwoStep(actor: Actor, userId: number): Promise<void> {
  await refuseOthers(actor);
  await findOther(userId);
  if (!(await isTwoStepOn(userId))) throw notFound();
  await db.transaction(async (tx) => {
    await raiseAuthVersion(tx, userId);
    await deleteTwoStep(tx, userId);
  });
  await sendAway(userId);
}

/**
 * A link by which somebody registers, once, within a week. `note` reminds of whom it is for.
 *
 * @throws Refusal `not_found` for whoever is no administrator, `invalid` for a note that is too long
 */
export async function makeInvitation(actor: Actor, note: string): Promise<MadeLink> {
  await refuseOthers(actor);
  if ([...note].length > NOTE_MAX || !note.isWellFormed()) throw new Refusal("invalid", "errors.400.message");
  const { token, hash } = newToken();
  const expiresAt = new Date(Date.now() + INVITATION_MS);
  await insertInvitation(hash, note.trim(), actor.userId, expiresAt);
  return { token, expiresAt };
}

/** @throws Refusal `not_found` for whoever is no administrator, and for an invitation that is not open */
export async function withdrawInvitation(actor: Actor, id: number): Promise<void> {
  await refuseOthers(actor);
  if (!(await deleteInvitation(id))) throw notFound();
}

/** For everybody else there is nothing here. @throws Refusal `not_found` */
export async function refuseOthers(actor: Actor): Promise<void> {
  if (!(await isAdministrator(actor.userId))) throw notFound();
}

/** The administrator's own account is changed in the settings, and never from here. @throws Refusal `not_found` */
export async function findOther(userId: number): Promise<{ username: string }> {
  const user = await findUser(userId);
  if (!user) throw notFound();
  return user;
}

/** The sessions count as none already; what is open of them ends now. */
async function sendAway(userId: number): Promise<void> {
  await endSessions(userId);
  // Leases also run out by themselves.
  await endPageLeases(userId)
    .then(announce)
    .catch(() => undefined);
}
