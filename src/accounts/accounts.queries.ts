import { db, type Queryable } from "../platform/db.ts";

/** An account as it was when its person was asked for the password. */
export interface AccountVersion {
  id: number;
  authVersion: number;
}

/**
 * A new password; every session of before counts as none from then on. False when another change was faster.
 */
export async function updatePassword(
  tx: Queryable,
  { id, authVersion }: AccountVersion,
  passwordHash: string,
  passwordScheme: number,
): Promise<boolean> {
  const { affectedRows } = await tx.write(
    `UPDATE users SET password_hash = ?, password_scheme = ?, auth_version = auth_version + 1
     WHERE id = ? AND auth_version = ? AND username_key IS NOT NULL`,
    [passwordHash, passwordScheme, id, authVersion],
  );
  return affectedRows === 1;
}

/** The same password under another hash, unless it was changed meanwhile. Every session stays. */
export async function updateHash(
  userId: number,
  before: string,
  passwordHash: string,
  passwordScheme: number,
): Promise<void> {
  await db.write(
    "UPDATE users SET password_hash = ?, password_scheme = ? WHERE id = ? AND password_hash = ?",
    [...[passwordHash, passwordScheme], ...[userId, before]],
  );
}

/** Leaves of a person what others' conversations need: a number. False when another change was faster. */
export async function eraseUser(tx: Queryable, { id, authVersion }: AccountVersion): Promise<boolean> {
  const { affectedRows } = await tx.write(
    `UPDATE users SET username = '', username_key = NULL, password_hash = '', locale = NULL, theme = NULL,
       time_zone = NULL, last_seen_at = NULL, auth_version = auth_version + 1
     WHERE id = ? AND auth_version = ? AND username_key IS NOT NULL AND administrator IS NULL`,
    [id, authVersion],
  );
  return affectedRows === 1;
}

export async function deleteSuffixes(tx: Queryable, userId: number): Promise<void> {
  await tx.write("DELETE FROM username_suffixes WHERE user_id = ?", [userId]);
}

export async function findConversationIds(tx: Queryable, userId: number): Promise<number[]> {
  const rows = await tx.execute<{ id: number }>(
    "SELECT conversation_id AS id FROM memberships WHERE user_id = ?",
    [userId],
  );
  return rows.map(({ id }) => id);
}

/** Nothing can be sent there from now on; the locks of these conversations must be held. */
export async function endConversations(tx: Queryable, ids: number[]): Promise<void> {
  await tx.writeMany("UPDATE conversations SET ended_at = UTC_TIMESTAMP(3) WHERE id IN (?)", [ids]);
}

/** Whom somebody was invited as, and that it was they. */
export async function deleteInvitationsUsedBy(tx: Queryable, userId: number): Promise<void> {
  await tx.write("DELETE FROM invitations WHERE used_by = ?", [userId]);
}
