import { createHmac, randomUUID } from "node:crypto";
import { hashPassword, PASSWORD_SCHEME } from "../../src/auth/passwords.ts";
import { findUserIds, insertAllSuffixes, insertUsers } from "../../src/demo/demo.queries.ts";
import { configure } from "../../src/platform/config.ts";
import { closeDatabase, db, openDatabase } from "../../src/platform/db.ts";
import { closeRedis, openRedis, redis } from "../../src/platform/redis.ts";
import { cookieName } from "../../src/platform/session.ts";
import { SessionStore, sessionPrefix } from "../../src/platform/session-store.ts";
import { suffixesOf, usernameKey } from "../../src/users/usernames.ts";
import type { Player } from "../load/orders.ts";
import type { Stage } from "./stage.ts";

export const PASSWORD = "the load's own password";

/** Inserts accounts by name, all with the same password. @returns their ids, in the order of the names */
export async function makeAccounts(stage: Stage, names: string[]): Promise<number[]> {
  configure(stage.environment);
  openDatabase(stage.databaseUrl("causerie"), 2);
  try {
    const passwordHash = await hashPassword(PASSWORD);
    const rest = { passwordHash, passwordScheme: PASSWORD_SCHEME, locale: "en", lastSeenAt: null };
    const createdAt = new Date();
    await insertUsers(
      db,
      names.map((username) => ({ ...rest, username, usernameKey: usernameKey(username), createdAt })),
    );
    const ids = await findUserIds(db, names.map(usernameKey));
    const userIds = names.map((name) => ids.get(usernameKey(name)) ?? 0);
    await insertAllSuffixes(
      db,
      names.flatMap((name, index) =>
        suffixesOf(usernameKey(name)).map((suffix) => ({ ...suffix, userId: userIds[index] ?? 0 })),
      ),
    );
    return userIds;
  } finally {
    await closeDatabase();
  }
}

const SYLLABLES = [
  "ma",
  "ri",
  "an",
  "jo",
  "le",
  "na",
  "ti",
  "sa",
  "ko",
  "be",
  "lu",
  "do",
  "mi",
  "ra",
  "el",
  "vi",
];

/** A name no other number has, and of which many begin alike. */
function playerName(index: number): string {
  const syllables = [0, 4, 8, 12].map((bits) => SYLLABLES[(index >> bits) & 15]);
  return `${syllables.join("")}${index >> 16 || ""}`;
}

/** People with accounts, each with a session as a login begins it: thousands of real ones would hash for an hour. */
export async function makePlayers(stage: Stage, count: number): Promise<Player[]> {
  const names = Array.from({ length: count }, (_each, index) => playerName(index));
  const ids = await makeAccounts(stage, names);
  await openRedis(stage.redisUrl);
  try {
    const store = new SessionStore({ client: redis, prefix: sessionPrefix() });
    return await Promise.all(
      names.map(async (name, index) => {
        const id = ids[index] ?? 0;
        return { id, name, cookie: await beginSession(store, id, stage.environment.SESSION_SECRET ?? "") };
      }),
    );
  } finally {
    closeRedis();
  }
}

/** @returns the cookie that express-session knows the session by */
async function beginSession(store: SessionStore, userId: number, secret: string): Promise<string> {
  const sid = randomUUID();
  await store.set(sid, {
    ...{ userId, authVersion: 1, createdAt: Date.now(), address: "127.0.0.1", browser: "", system: "" },
    cookie: { originalMaxAge: null, path: "/" },
  });
  const signature = createHmac("sha256", secret).update(sid).digest("base64").replace(/=+$/, "");
  return `${cookieName()}=${encodeURIComponent(`s:${sid}.${signature}`)}`;
}
