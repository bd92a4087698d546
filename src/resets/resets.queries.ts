import { db, type Queryable } from "../platform/db.ts";

/** Whose password a link is for. */
export interface ResetRow {
  userId: number;
  username: string;
}

/** A link for somebody's new password, in the place of any before. */
export async function insertReset(userId: number, hash: Buffer, expiresAt: Date): Promise<void> {
  await db.write(
    `INSERT INTO password_resets (user_id, token_hash, expires_at) VALUES (?, ?, ?)
     ON DUPLICATE KEY UPDATE token_hash = VALUES(token_hash), expires_at = VALUES(expires_at)`,
    [userId, hash, expiresAt],
  );
}

export async function findReset(hash: Buffer): Promise<ResetRow | undefined> {
  const [reset] = await db.execute<ResetRow>(
    `SELECT r.user_id AS userId, u.username FROM password_resets r JOIN users u ON u.id = r.user_id
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

/** A new password; every session of before counts as none from then on. */
export async function updateResetPassword(
  tx: Queryable,
  userId: number,
  passwordHash: string,
  passwordScheme: number,
): Promise<void> {
  await tx.write(
    `UPDATE users SET password_hash = ?, password_scheme = ?, auth_version = auth_version + 1
     WHERE id = ? AND username_key IS NOT NULL`,
    [passwordHash, passwordScheme, userId],
  );
}
