import {
  hasAdministrator,
  insertAdministrator,
  isOpenInvitation,
  updateInvitationUsed,
} from "../administration/administration.queries.ts";
import { config } from "../platform/config.ts";
import type { Queryable } from "../platform/db.ts";
import { isDuplicate } from "../platform/db-errors.ts";
import { Refusal } from "../platform/errors.ts";
import { hashOfToken } from "../platform/one-time-links.ts";

/** Who may register: everybody, those with an invitation, or nobody. The first of all always may. */

let isBegun = false;

/** Whether there is an administrator; once there is one there always is. */
async function hasBegun(): Promise<boolean> {
  isBegun ||= await hasAdministrator();
  return isBegun;
}

/** Whether somebody without an invitation may register. */
export async function isRegistrationOpen(): Promise<boolean> {
  return config.registration === "open" || !(await hasBegun());
}

const NOTES = {
  open: "Registration is open: whoever reaches this address may make an account. REGISTRATION=invite or closed ends that.",
  invite: "Registration is by invitation: the administrator makes links at /admin.",
  closed: "Registration is closed.",
} as const;

/** What an operator should know at the start. */
export async function registrationNote(address: string): Promise<string> {
  if (await hasBegun()) return NOTES[config.registration];
  return `Nobody has registered yet. The first account is the administrator's: make it at ${address}/register`;
}

/**
 * Refuses early, before a password is hashed; `admit` decides.
 *
 * @throws Refusal `forbidden` where registration is closed, or by an invitation that is not good
 */
export async function refuseUninvited(invitation: string): Promise<void> {
  if (await isRegistrationOpen()) return;
  if (config.registration === "closed") throw closed();
  if (invitation === "") throw new Refusal("forbidden", "auth.error.uninvited");
  if (!(await isOpenInvitation(hashOfToken(invitation)))) throw badInvitation();
}

/**
 * Lets a new account in, inside the transaction that makes it: the first is the administrator's, later ones use their
 * invitation up. Of two at once with the same invitation, or two that are first, one is.
 *
 * @returns what let it in
 * @throws Refusal `forbidden`
 */
export async function admit(
  tx: Queryable,
  userId: number,
  invitation: string,
): Promise<"first" | "open" | "invitation"> {
  if (!(await hasBegun()) && (await becomeAdministrator(tx, userId))) return "first";
  if (config.registration === "closed") throw closed();
  // Also where nobody needs one: a link that let somebody in must not let in a second person later.
  const isInvited = invitation !== "" && (await updateInvitationUsed(tx, hashOfToken(invitation), userId));
  if (config.registration === "open") return "open";
  if (!isInvited) throw badInvitation();
  return "invitation";
}

async function becomeAdministrator(tx: Queryable, userId: number): Promise<boolean> {
  try {
    await insertAdministrator(tx, userId);
    return true;
  } catch (error) {
    if (isDuplicate(error)) return false;
    throw error;
  }
}

const closed = () => new Refusal("forbidden", "auth.error.registrationClosed");
const badInvitation = () => new Refusal("forbidden", "auth.error.invitation");
