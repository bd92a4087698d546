import { db, type Queryable } from "../platform/db.ts";
import type { Suffix } from "./usernames.ts";

/** Somebody who may be talked to. */
interface Person {
  id: number;
  username: string;
}

/** What every page needs to know of the person who asks for it. */
export interface Viewer extends Person {
  authVersion: number;
  locale: string | null;
  theme: string | null;
  timeZone: string | null;
}

export interface Credentials extends Person {
  authVersion: number;
  passwordHash: string;
  passwordScheme: number;
  /** When the administrator disabled the account; null where it is in use. */
  disabledAt: Date | null;
}

export interface NewUser {
  username: string;
  usernameKey: string;
  passwordHash: string;
  passwordScheme: number;
  locale: string;
}

/** @throws ER_DUP_ENTRY when the key is taken */
export async function insertUser(tx: Queryable, user: NewUser): Promise<number> {
  const result = await tx.write(
    `INSERT INTO users (username, username_key, password_hash, password_scheme, locale, created_at)
     VALUES (?, ?, ?, ?, ?, UTC_TIMESTAMP(3))`,
    [user.username, user.usernameKey, user.passwordHash, user.passwordScheme, user.locale],
  );
  return result.insertId;
}

export async function insertSuffixes(tx: Queryable, userId: number, suffixes: Suffix[]): Promise<void> {
  const rows = suffixes.map(({ suffix, freshFrom }) => [suffix, userId, freshFrom]);
  if (rows.length > 0) {
    await tx.writeMany("INSERT INTO username_suffixes (suffix, user_id, fresh_from) VALUES ?", [rows]);
  }
}

const VIEWERS = `SELECT id, username, auth_version AS authVersion, locale, theme, time_zone AS timeZone FROM users
  WHERE username_key IS NOT NULL AND id`;

export async function findViewer(userId: number): Promise<Viewer | undefined> {
  const [viewer] = await db.execute<Viewer>(`${VIEWERS} = ?`, [userId]);
  return viewer;
}

/** Those of these people who exist, by their ids. */
export async function findViewers(userIds: number[]): Promise<Map<number, Viewer>> {
  const viewers = await db.query<Viewer>(`${VIEWERS} IN (?)`, [userIds]);
  return new Map(viewers.map((viewer) => [viewer.id, viewer]));
}

/**
 * Which of these have an account, each held against being deleted until the transaction ends. In the order of their
 * ids, so that two transactions do not wait for each other.
 */
export async function holdAccounts(tx: Queryable, userIds: number[]): Promise<number[]> {
  const rows = await tx.query<{ id: number }>(
    "SELECT id FROM users WHERE id IN (?) AND username_key IS NOT NULL ORDER BY id LOCK IN SHARE MODE",
    [userIds],
  );
  return rows.map(({ id }) => id);
}

const CREDENTIALS = `id, username, auth_version AS authVersion, password_hash AS passwordHash,
  password_scheme AS passwordScheme, disabled_at AS disabledAt`;

export async function findCredentials(usernameKey: string): Promise<Credentials | undefined> {
  const [credentials] = await db.execute<Credentials>(
    `SELECT ${CREDENTIALS} FROM users WHERE username_key = ?`,
    [usernameKey],
  );
  return credentials;
}

/** The same by id; undefined for a deleted account. */
export async function findCredentialsById(userId: number): Promise<Credentials | undefined> {
  const [credentials] = await db.execute<Credentials>(
    `SELECT ${CREDENTIALS} FROM users WHERE id = ? AND username_key IS NOT NULL`,
    [userId],
  );
  return credentials;
}

/** `auth_version` of many users; those that do not exist are missing. */
export async function findAuthVersions(userIds: number[]): Promise<Map<number, number>> {
  if (userIds.length === 0) return new Map();
  const rows = await db.query<{ id: number; authVersion: number }>(
    "SELECT id, auth_version AS authVersion FROM users WHERE id IN (?)",
    [userIds],
  );
  return new Map(rows.map((row) => [row.id, row.authVersion]));
}

/** One column each, so that two choices made at once do not undo each other. */
const PREFERENCE_COLUMNS = { locale: "locale", theme: "theme", timeZone: "time_zone" } as const;
export type Preference = keyof typeof PREFERENCE_COLUMNS;

export async function updatePreference(
  userId: number,
  name: Preference,
  value: string | null,
): Promise<void> {
  await db.write(`UPDATE users SET ${PREFERENCE_COLUMNS[name]} = ? WHERE id = ?`, [value, userId]);
}

/** Moves `last_seen_at` forward. `seen` holds times in milliseconds since 1970 by user id. */
export async function updateLastSeen(seen: Map<number, number>): Promise<void> {
  if (seen.size === 0) return;
  const cases = [...seen].flatMap(([userId, at]) => [userId, new Date(at)]);
  await db.writeMany(
    `UPDATE users SET last_seen_at = GREATEST(COALESCE(last_seen_at, '1970-01-01'),
       CASE id ${"WHEN ? THEN ? ".repeat(seen.size)} END)
     WHERE id IN (?) AND username_key IS NOT NULL`,
    [...cases, [...seen.keys()]],
  );
}

/** Last-seen times by user id, null for those never seen. */
export async function findLastSeen(userIds: number[]): Promise<Map<number, Date | null>> {
  if (userIds.length === 0) return new Map();
  const rows = await db.query<{ id: number; lastSeenAt: Date | null }>(
    "SELECT id, last_seen_at AS lastSeenAt FROM users WHERE id IN (?)",
    [userIds],
  );
  return new Map(rows.map((row) => [row.id, row.lastSeenAt]));
}
