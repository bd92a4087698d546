import type { Actor } from "../conversations/conversations.ts";
import { Refusal } from "../platform/errors.ts";
import { giveBack, spend } from "../platform/limits.ts";
import { type Credentials, findCredentialsById } from "../users/users.queries.ts";
import { verifyPassword } from "./passwords.ts";

/**
 * Makes sure that it is the person and not somebody who found their browser open: asked again before anything that
 * they could not undo.
 *
 * @throws Refusal `forbidden` for a wrong password, `too_many` after many of them
 */
export async function confirmIdentity(actor: Actor, password: string): Promise<Credentials> {
  await spend("passwordPerUser", actor.userId);
  const credentials = await findCredentialsById(actor.userId);
  const matches = await verifyPassword(password, credentials?.passwordHash);
  if (!matches || !credentials) throw new Refusal("forbidden", "auth.error.wrongPassword");
  await giveBack("passwordPerUser", actor.userId);
  return credentials;
}
