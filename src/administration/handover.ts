import { confirmIdentity } from "../auth/confirm.ts";
import type { Prover } from "../auth/guesses.ts";
import type { Actor } from "../conversations/conversations.ts";
import { db } from "../platform/db.ts";
import { overtaken } from "../platform/errors.ts";
import { type Proof, useCodeIfOn } from "../two-step/two-step.ts";
import { deleteAdministrator, insertAdministrator } from "./administration.queries.ts";
import { findOther, refuseOthers } from "./administration.ts";

/** To whom the administrator may hand over. @throws Refusal `not_found` for nobody, and whoever is no administrator */
export async function findHeir(actor: Actor, userId: number): Promise<{ username: string }> {
  await refuseOthers(actor);
  return findOther(userId);
}

/**
 * Makes somebody else the administrator; the actor is one no more.
 *
 * @throws Refusal as `findHeir` does; `forbidden` for a wrong password or code, `conflict` for an account that is
 *   disabled or was just deleted
 */
export async function handOver(actor: Prover, userId: number, { password, code }: Proof): Promise<void> {
  await findHeir(actor, userId);
  await confirmIdentity(actor, password);
  await useCodeIfOn(actor, code);
  await db.transaction(async (tx) => {
    // In this order: there is never more than one.
    const isHanded = (await deleteAdministrator(tx, actor.userId)) && (await insertAdministrator(tx, userId));
    if (!isHanded) throw overtaken();
  });
}
