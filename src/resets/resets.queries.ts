import { db, type Queryable } from "../platform/db.ts";

/** Whose password a link is for. */
export interface ResetRow {
  userId: number;
  username: string;
  /** Of the account as it was when the link was made; the link is good for that one alone. */
  authVersion: number;
}

/** A link for somebody's new password, in the place of any before. */
export async function insertReset(userId: number, hash: Buffer, expiresAt: Date): Promise<void> {
  await db.write(
    `INSERT INTO password_resets (user_id, token_hash, expires_at, auth_version)
     VALUES (?, ?, ?, (SELECT auth_version FROM users WHERE id = ?))
     ON DUPLICATE KEY UPDATE token_hash = VALUES(token_hash), expires_at = VALUES(expires_at),
       auth_version = VALUES(auth_version)`,
    [userId, hash, expiresAt, userId],
  );
}

export async function findReset(hash: Buffer): Promise<ResetRow | undefined> {
  const [reset] = await db.execute<ResetRow>(
    `SELECT r.user_id AS userId, u.username, r.auth_version AS authVersion
     FROM password_resets r JOIN users u ON u.id = r.user_id AND u.auth_version = r.auth_version
     WHERE r.token_hash = ? AND r.expires_at > UTC_TIMESTAMP(3) AND u.username_key IS NOT NULL`,
    [hash],
  );
  return reset;
}

/** Uses a link up; false when somebody else was faster, or it is over. */
export async function deleteReset(tx: Queryable, hash: Buffer): Promise<boolean> {
  const { affectedRows } = await tx.write(
    "DELETE FROM password_resets WHERE token_hash = ? AND expires_at > UTC_TIMESTAMP(3)",
    [hash],
  );
  return affectedRows === 1;
}

/** Withdraws somebody's link, whether it is still good or not; false where there is none. */
export async function deleteResetOf(tx: Queryable, userId: number): Promise<boolean> {
  const { affectedRows } = await tx.write("DELETE FROM password_resets WHERE user_id = ?", [userId]);
  return affectedRows === 1;
}
