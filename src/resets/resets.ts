import { updatePassword } from "../accounts/accounts.queries.ts";
import { refuseGuessable } from "../auth/password-strength.ts";
import { hashPassword, PASSWORD_SCHEME, refuseUnfitPassword } from "../auth/passwords.ts";
import { db } from "../platform/db.ts";
import { notFound } from "../platform/errors.ts";
import { hashOfToken } from "../platform/one-time-links.ts";
import { endSessions } from "../sessions/sessions.ts";
import { deleteReset, findReset, type ResetRow } from "./resets.queries.ts";

/**
 * Whose password the link is for.
 *
 * @throws Refusal `not_found` when it is used, replaced, withdrawn or over, or the account was changed since: by a new
 *   password, by ending all sessions, by disabling or deleting it
 */
export async function findResetBy(token: string): Promise<ResetRow> {
  const reset = await findReset(hashOfToken(token));
  if (!reset) throw notFound();
  return reset;
}

/**
 * Sets a new password by a link, which is used up by it. Every session of that person is over, and their sockets
 * are cut.
 *
 * @returns whose password it was
 * @throws Refusal `not_found` for a link that is no longer good, `invalid` for an unfit password
 */
export async function resetPassword(token: string, chosen: string): Promise<ResetRow> {
  const reset = await findResetBy(token);
  refuseUnfitPassword(chosen);
  await refuseGuessable(chosen, reset.username);
  const passwordHash = await hashPassword(chosen);
  const account = { id: reset.userId, authVersion: reset.authVersion };
  await db.transaction(async (tx) => {
    // The person's row first, as whoever deletes the account does.
    const isSame = await updatePassword(tx, account, passwordHash, PASSWORD_SCHEME);
    if (!isSame || !(await deleteReset(tx, hashOfToken(token)))) throw notFound();
  });
  await endSessions(reset.userId);
  return reset;
}
