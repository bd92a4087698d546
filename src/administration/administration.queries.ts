import { db, type Queryable } from "../platform/db.ts";

/** An account as the administrator sees it. */
export interface UserRow {
  id: number;
  username: string;
  usernameKey: string;
  createdAt: Date;
  lastSeenAt: Date | null;
  disabledAt: Date | null;
  administrator: number | null;
  /** 1 while a link for a new password is good. */
  hasResetLink: number;
  /** 1 where logging in takes two steps. */
  hasTwoStep: number;
}

export interface InvitationRow {
  id: number;
  note: string;
  createdAt: Date;
  expiresAt: Date;
}

/** Whether the chat has an administrator yet, which means: whether anybody ever registered. */
export async function hasAdministrator(): Promise<boolean> {
  return (await db.execute("SELECT 1 FROM users WHERE administrator = 1")).length > 0;
}

export async function isAdministrator(userId: number): Promise<boolean> {
  return (await db.execute("SELECT 1 FROM users WHERE id = ? AND administrator = 1", [userId])).length > 0;
}

/** False for an account that is disabled or gone. @throws ER_DUP_ENTRY when there is one already */
export async function insertAdministrator(tx: Queryable, userId: number): Promise<boolean> {
  const { affectedRows } = await tx.write(
    "UPDATE users SET administrator = 1 WHERE id = ? AND username_key IS NOT NULL AND disabled_at IS NULL",
    [userId],
  );
  return affectedRows === 1;
}

/** False when it is not this one any more. */
export async function deleteAdministrator(tx: Queryable, userId: number): Promise<boolean> {
  const { affectedRows } = await tx.write(
    "UPDATE users SET administrator = NULL WHERE id = ? AND administrator = 1",
    [userId],
  );
  return affectedRows === 1;
}

/** Accounts by name, after a key; only those with `key` in any part of their name, all for an empty one. */
export function findUsers(key: string, afterKey: string, limit: number): Promise<UserRow[]> {
  const part = `${key.replace(/[\\%_]/g, "\\$&")}%`;
  return db.execute<UserRow>(
    `SELECT users.id, username, username_key AS usernameKey, created_at AS createdAt, last_seen_at AS lastSeenAt,
            disabled_at AS disabledAt, administrator, r.user_id IS NOT NULL AS hasResetLink,
            t.user_id IS NOT NULL AS hasTwoStep
     FROM users
       LEFT JOIN password_resets r ON r.user_id = users.id AND r.auth_version = users.auth_version
         AND r.expires_at > UTC_TIMESTAMP(3)
       LEFT JOIN two_step t ON t.user_id = users.id AND t.confirmed_at IS NOT NULL
     WHERE username_key > ?
       AND (username_key LIKE ? OR users.id IN (SELECT user_id FROM username_suffixes WHERE suffix LIKE ?))
     ORDER BY username_key LIMIT ${Math.trunc(limit)}`,
    [afterKey, part, part],
  );
}

/** The name of an account that is not the administrator's; undefined where there is none. */
export async function findUser(userId: number): Promise<{ username: string } | undefined> {
  const [user] = await db.execute<{ username: string }>(
    "SELECT username FROM users WHERE id = ? AND username_key IS NOT NULL AND administrator IS NULL",
    [userId],
  );
  return user;
}

/** Every session of before counts as none from then on. */
export async function raiseAuthVersion(tx: Queryable, userId: number): Promise<void> {
  await tx.write("UPDATE users SET auth_version = auth_version + 1 WHERE id = ?", [userId]);
}

/** Disables or enables an account; ends every session of it either way. Never the administrator's. */
export async function updateDisabled(userId: number, isDisabled: boolean): Promise<void> {
  await db.write(
    `UPDATE users SET disabled_at = IF(?, UTC_TIMESTAMP(3), NULL), auth_version = auth_version + 1
     WHERE id = ? AND administrator IS NULL`,
    [isDisabled, userId],
  );
}

export async function insertInvitation(
  hash: Buffer,
  note: string,
  madeBy: number,
  expiresAt: Date,
): Promise<void> {
  await db.write(
    `INSERT INTO invitations (token_hash, note, made_by, created_at, expires_at)
     VALUES (?, ?, ?, UTC_TIMESTAMP(3), ?)`,
    [hash, note, madeBy, expiresAt],
  );
}

/** Invitations that can still be used, those that end soonest first. */
export function findOpenInvitations(): Promise<InvitationRow[]> {
  return db.execute<InvitationRow>(
    `SELECT id, note, created_at AS createdAt, expires_at AS expiresAt FROM invitations
     WHERE used_by IS NULL AND expires_at > UTC_TIMESTAMP(3) ORDER BY expires_at, id LIMIT 200`,
  );
}

export async function isOpenInvitation(hash: Buffer): Promise<boolean> {
  const rows = await db.execute(
    "SELECT 1 FROM invitations WHERE token_hash = ? AND used_by IS NULL AND expires_at > UTC_TIMESTAMP(3)",
    [hash],
  );
  return rows.length > 0;
}

/** Uses an invitation up; false when it is used, withdrawn or over. */
export async function updateInvitationUsed(tx: Queryable, hash: Buffer, userId: number): Promise<boolean> {
  const { affectedRows } = await tx.write(
    `UPDATE invitations SET used_by = ?
     WHERE token_hash = ? AND used_by IS NULL AND expires_at > UTC_TIMESTAMP(3)`,
    [userId, hash],
  );
  return affectedRows === 1;
}

/** False when there is none of this id that is still open. */
export async function deleteInvitation(id: number): Promise<boolean> {
  const { affectedRows } = await db.write("DELETE FROM invitations WHERE id = ? AND used_by IS NULL", [id]);
  return affectedRows === 1;
}
