import { confirmIdentity } from "../auth/confirm.ts";
import { countingProofs, type Prover, WrongGuess } from "../auth/guesses.ts";
import type { Actor } from "../conversations/conversations.ts";
import { db } from "../platform/db.ts";
import { notFound, overtaken, Refusal } from "../platform/errors.ts";
import { log } from "../platform/log.ts";
import { isTimed, newRecoveryCodes, newSecret, plainCode, stepOf } from "./codes.ts";
import { keyedDigest, seal, unseal } from "./sealing.ts";
import {
  confirm,
  countRecoveryCodes,
  deleteTwoStep,
  findTwoStep,
  replaceRecoveryCodes,
  type TwoStep,
  takeRecoveryCode,
  takeStep,
  updateSealed,
  upsertUnconfirmed,
} from "./two-step.queries.ts";

/** A password, and a code where two-step login is on. */
export interface Proof {
  password: string;
  code: string;
}

/** Where somebody stands: `secret` only while it is being set up. */
export interface Standing {
  state: "off" | "begun" | "on";
  secret: Buffer | null;
  recoveryCodes: number;
}

export async function standingOf(actor: Actor): Promise<Standing> {
  const found = await findTwoStep(actor.userId);
  if (found?.confirmed) {
    return { state: "on", secret: null, recoveryCodes: await countRecoveryCodes(actor.userId) };
  }
  const secret = begunSecret(actor, found);
  return { state: secret ? "begun" : "off", secret, recoveryCodes: 0 };
}

export async function isTwoStepOn(userId: number): Promise<boolean> {
  return (await findTwoStep(userId))?.confirmed === true;
}

/** Begins a set-up, anew if one was begun. @throws Refusal `forbidden`; `conflict` when it is on */
export async function beginTwoStep(actor: Prover, password: string): Promise<void> {
  await confirmIdentity(actor, password);
  if (await isTwoStepOn(actor.userId)) throw overtaken();
  await upsertUnconfirmed(actor.userId, seal(actor.userId, newSecret()));
}

/**
 * Turns it on, once a code proves that the authenticator has the secret.
 *
 * @returns the recovery codes, which nobody sees again
 * @throws Refusal `forbidden` for a wrong code, `not_found` when no set-up was begun, or it has ended
 */
export async function confirmTwoStep(actor: Prover, typed: string): Promise<string[]> {
  const found = await findTwoStep(actor.userId);
  if (found?.confirmed) throw notFound();
  const secret = begunSecret(actor, found);
  if (!found || !secret) throw new Refusal("not_found", "auth.error.setUpOver");
  const step = await countingProofs(
    "code",
    actor,
    async () => stepOf(secret, plainCode(typed)) ?? refuseCode(),
  );
  const codes = newRecoveryCodes();
  await db.transaction(async (tx) => {
    if (!(await confirm(tx, actor.userId, found.secret, step))) throw overtaken();
    await replaceRecoveryCodes(tx, actor.userId, hashesOf(actor, codes));
  });
  return codes;
}

/** Of a set-up; null where none was begun, and where it was sealed under a key that is lost: then one begins anew. */
function begunSecret({ userId }: Actor, found: TwoStep | undefined): Buffer | null {
  return found ? (unseal(userId, found.secret)?.secret ?? null) : null;
}

/** New recovery codes; those of before are worth nothing. @throws Refusal `forbidden`, `not_found` when it is off */
export async function renewRecoveryCodes(actor: Prover, proof: Proof): Promise<string[]> {
  await proveWithCode(actor, proof);
  const codes = newRecoveryCodes();
  await db.transaction((tx) => replaceRecoveryCodes(tx, actor.userId, hashesOf(actor, codes)));
  return codes;
}

/** Turns it off. @throws Refusal `forbidden`, `not_found` when it is off */
export async function endTwoStep(actor: Prover, proof: Proof): Promise<void> {
  await proveWithCode(actor, proof);
  await db.transaction((tx) => deleteTwoStep(tx, actor.userId));
}

async function proveWithCode(actor: Prover, { password, code }: Proof): Promise<void> {
  await confirmIdentity(actor, password);
  if (!(await isTwoStepOn(actor.userId))) throw notFound();
  await useCode(actor, code);
}

/** Takes a code where two-step login is on, and nothing where it is off. @throws Refusal `forbidden` */
export async function useCodeIfOn(actor: Prover, typed: string): Promise<void> {
  if (await isTwoStepOn(actor.userId)) await useCode(actor, typed);
}

/**
 * Takes one code of an authenticator, or one recovery code; each works once, whichever node is asked.
 *
 * @throws Refusal `forbidden` for a wrong one, or one of before; `too_many` after many of them; `unavailable` for a code of
 *   an authenticator while no key opens what it shares with us
 */
export async function useCode(actor: Prover, typed: string): Promise<"code" | "recovery code"> {
  const code = plainCode(typed);
  const kind = isTimed(code) ? "code" : "recovery code";
  const use = isTimed(code) ? useTimedCode : useRecoveryCode;
  await countingProofs(kind, actor, async () => (await use(actor, code)) || refuseCode());
  return kind;
}

async function useTimedCode({ userId }: Actor, code: string): Promise<boolean> {
  const found = await findTwoStep(userId);
  if (!found?.confirmed) return false;
  const { secret, isNewest } = unseal(userId, found.secret) ?? refuseSealed(userId);
  const step = stepOf(secret, code);
  if (step === null || !(await takeStep(userId, step))) return false;
  if (!isNewest) await updateSealed(userId, found.secret, seal(userId, secret));
  return true;
}

function useRecoveryCode({ userId }: Actor, code: string): Promise<boolean> {
  return takeRecoveryCode(userId, keyedDigest(userId, code));
}

/** Only the operator can mend it; recovery codes work meanwhile, and the administrator can turn the second step off. */
function refuseSealed(userId: number): never {
  log.error(
    { userId },
    "no ENCRYPTION_KEY opens a secret of two-step login: it was sealed under another one",
  );
  throw new Refusal("unavailable", "auth.error.codeKey");
}

const hashesOf = ({ userId }: Actor, codes: string[]) =>
  codes.map((code) => keyedDigest(userId, plainCode(code)));

function refuseCode(): never {
  throw new WrongGuess("forbidden", "auth.error.code");
}
