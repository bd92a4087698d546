import { db } from "../platform/db.ts";

/** Ends every session of before by one number. False when another change was faster. */
export async function raiseAuthVersion(userId: number, authVersion: number): Promise<boolean> {
  const { affectedRows } = await db.write(
    "UPDATE users SET auth_version = auth_version + 1 WHERE id = ? AND auth_version = ? AND username_key IS NOT NULL",
    [userId, authVersion],
  );
  return affectedRows === 1;
}
