import { isAdministrator } from "../administration/administration.queries.ts";
import type { Account } from "../auth/auth.ts";
import { confirmIdentity } from "../auth/confirm.ts";
import type { Prover } from "../auth/guesses.ts";
import { refuseGuessable } from "../auth/password-strength.ts";
import { hashPassword, PASSWORD_SCHEME, refuseUnfitPassword } from "../auth/passwords.ts";
import { lockConversations } from "../conversations/conversations.queries.ts";
import { db, type Queryable } from "../platform/db.ts";
import { overtaken, Refusal } from "../platform/errors.ts";
import { publishLeft } from "../realtime/publish.ts";
import { deleteResetOf } from "../resets/resets.queries.ts";
import { endSessions } from "../sessions/sessions.ts";
import { deleteTwoStep } from "../two-step/two-step.queries.ts";
import { type Proof, useCodeIfOn } from "../two-step/two-step.ts";
import {
  type AccountVersion,
  deleteInvitationsUsedBy,
  deleteSuffixes,
  endConversations,
  eraseUser,
  findConversationIds,
  updatePassword,
} from "./accounts.queries.ts";

/**
 * Changes the actor's password. Every session of theirs is over, this one too, and its sockets are cut.
 *
 * @returns what a new session for this browser is to hold
 * @throws Refusal `forbidden` for a wrong current password or code, `invalid` for an unfit new one, `conflict` when another
 *   change was faster
 */
export async function changePassword(
  actor: Prover,
  { current, chosen, code }: { current: string; chosen: string; code: string },
): Promise<Account> {
  const account = await confirmIdentity(actor, current);
  refuseUnfitPassword(chosen);
  await refuseGuessable(chosen, account.username);
  // Last, since it works once.
  await useCodeIfOn(actor, code);
  if (!(await updatePassword(db, account, await hashPassword(chosen), PASSWORD_SCHEME))) throw overtaken();
  await endSessions(actor.userId);
  return { userId: actor.userId, authVersion: account.authVersion + 1 };
}

/**
 * Deletes the actor's account: name, password, settings and sessions are gone, and the name is free. What they wrote
 * stays with those they wrote to, from nobody.
 *
 * @throws Refusal `forbidden` for a wrong password or code, `conflict` when another change was faster
 */
export async function deleteAccount(actor: Prover, { password, code }: Proof): Promise<void> {
  const account = await confirmIdentity(actor, password);
  // Nobody else could invite, disable or help anybody then.
  if (await isAdministrator(actor.userId)) throw new Refusal("conflict", "auth.error.administrator");
  await useCodeIfOn(actor, code);
  await erase(account);
  await endSessions(actor.userId);
  publishLeft(actor.userId);
}

/** In one step, and after whatever is being sent to or by this person: later sends see that nobody is there. */
function erase(account: AccountVersion): Promise<void> {
  return db.transaction((tx) => eraseIn(tx, account));
}

async function eraseIn(tx: Queryable, account: AccountVersion): Promise<void> {
  // First, so that no conversation with this person can begin unseen.
  if (!(await eraseUser(tx, account))) throw overtaken();
  await deleteSuffixes(tx, account.id);
  await deleteTwoStep(tx, account.id);
  await deleteResetOf(tx, account.id);
  await deleteInvitationsUsedBy(tx, account.id);
  const ids = await findConversationIds(tx, account.id);
  if (ids.length === 0) return;
  const { sql, values } = lockConversations(ids);
  await tx.query(sql, values);
  await endConversations(tx, ids);
}
