import { db, type Queryable } from "../platform/db.ts";

/** What somebody's authenticator shares with us, sealed. */
export interface TwoStep {
  secret: Buffer;
  confirmed: boolean;
}

/** After that the key may have been seen by whoever sits at the browser now, and the set-up has to begin anew. */
const SET_UP_MINUTES = 15;

/** What is on, or was begun a short while ago. */
export async function findTwoStep(userId: number): Promise<TwoStep | undefined> {
  const [row] = await db.execute<{ secret: Buffer; confirmed: number }>(
    `SELECT secret, confirmed_at IS NOT NULL AS confirmed FROM two_step
     WHERE user_id = ?
       AND (confirmed_at IS NOT NULL OR begun_at > UTC_TIMESTAMP(3) - INTERVAL ${SET_UP_MINUTES} MINUTE)`,
    [userId],
  );
  return row && { secret: row.secret, confirmed: Number(row.confirmed) === 1 };
}

/** Begins a set-up, or begins it anew; does nothing to one that was confirmed. */
export async function upsertUnconfirmed(userId: number, secret: Buffer): Promise<void> {
  await db.write(
    `INSERT INTO two_step (user_id, secret, begun_at) VALUES (?, ?, UTC_TIMESTAMP(3))
     ON DUPLICATE KEY UPDATE secret = IF(confirmed_at IS NULL, VALUES(secret), secret),
       begun_at = IF(confirmed_at IS NULL, VALUES(begun_at), begun_at)`,
    [userId, secret],
  );
}

/** Turns it on, with the step of the code that proved it. False when it is on already, or was begun anew. */
export async function confirm(tx: Queryable, userId: number, secret: Buffer, step: number): Promise<boolean> {
  const { affectedRows } = await tx.write(
    `UPDATE two_step SET confirmed_at = UTC_TIMESTAMP(3), last_step = ?
     WHERE user_id = ? AND secret = ? AND confirmed_at IS NULL`,
    [step, userId, secret],
  );
  return affectedRows === 1;
}

/** Takes a step, once: false for one that was taken before, and for any earlier one. */
export async function takeStep(userId: number, step: number): Promise<boolean> {
  const { affectedRows } = await db.write(
    "UPDATE two_step SET last_step = ? WHERE user_id = ? AND last_step < ? AND confirmed_at IS NOT NULL",
    [step, userId, step],
  );
  return affectedRows === 1;
}

/** Seals the same secret anew, unless it was changed meanwhile. */
export async function updateSealed(userId: number, before: Buffer, after: Buffer): Promise<void> {
  await db.write("UPDATE two_step SET secret = ? WHERE user_id = ? AND secret = ?", [after, userId, before]);
}

/** Takes a recovery code, once. */
export async function takeRecoveryCode(userId: number, hash: Buffer): Promise<boolean> {
  const { affectedRows } = await db.write("DELETE FROM recovery_codes WHERE user_id = ? AND code_hash = ?", [
    userId,
    hash,
  ]);
  return affectedRows === 1;
}

export async function countRecoveryCodes(userId: number): Promise<number> {
  const [row] = await db.execute<{ codes: number }>(
    "SELECT COUNT(*) AS codes FROM recovery_codes WHERE user_id = ?",
    [userId],
  );
  return row?.codes ?? 0;
}

/** Puts these in the place of all of before. */
export async function replaceRecoveryCodes(tx: Queryable, userId: number, hashes: Buffer[]): Promise<void> {
  await tx.write("DELETE FROM recovery_codes WHERE user_id = ?", [userId]);
  await tx.writeMany("INSERT INTO recovery_codes (user_id, code_hash) VALUES ?", [
    hashes.map((hash) => [userId, hash]),
  ]);
}

/** Takes everything of somebody's two-step login away. */
export async function deleteTwoStep(tx: Queryable, userId: number): Promise<void> {
  await tx.write("DELETE FROM two_step WHERE user_id = ?", [userId]);
  await tx.write("DELETE FROM recovery_codes WHERE user_id = ?", [userId]);
}
