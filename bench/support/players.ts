import { hashPassword, PASSWORD_SCHEME } from "../../src/auth/passwords.ts";
import { findUserIds, insertAllSuffixes, insertUsers } from "../../src/demo/demo.queries.ts";
import { configure } from "../../src/platform/config.ts";
import { closeDatabase, db, openDatabase } from "../../src/platform/db.ts";
import { suffixesOf, usernameKey } from "../../src/users/usernames.ts";
import { openConnection, postRequest } from "../load/http.ts";
import type { Player } from "../load/orders.ts";
import type { Stage } from "./stage.ts";

export const PASSWORD = "the load's own password";
const CHEAP_COST = "4"; // of hashes that only get the load in; those of the login flood are as dear as real ones
const LOGINS_AT_ONCE = 8;

/** Inserts accounts by name; the app verifies their password by the cost that each hash names. */
export async function makeAccounts(
  stage: Stage,
  names: string[],
  bcryptCost = CHEAP_COST,
): Promise<number[]> {
  configure({ ...stage.environment, NODE_ENV: "test", BCRYPT_COST: bcryptCost });
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

/** People with accounts, logged in by the form as everybody is. */
export async function makePlayers(stage: Stage, count: number): Promise<Player[]> {
  const names = Array.from({ length: count }, (_each, index) => playerName(index));
  const ids = await makeAccounts(stage, names);
  const players = names.map((name, index) => ({ id: ids[index] ?? 0, name, cookie: "" }));
  const waiting = [...players];
  const worker = async () => {
    const connection = openConnection(stage.app.url);
    for (let player = waiting.pop(); player; player = waiting.pop()) {
      const fields = { username: player.name, password: PASSWORD };
      const { status, head } = await connection.ask(postRequest(stage.app.url, "/login", "", fields));
      if (status !== 303) throw new Error(`a login was answered ${head}`);
      player.cookie = cookieOf(head);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: LOGINS_AT_ONCE }, worker));
  return players;
}

function cookieOf(head: string): string {
  return [...head.matchAll(/^set-cookie: ([^;]+)/gim)].map(([, cookie]) => cookie).join("; ");
}
