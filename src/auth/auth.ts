import { updateHash } from "../accounts/accounts.queries.ts";
import { audit } from "../platform/audit.ts";
import { db } from "../platform/db.ts";
import { isDuplicate } from "../platform/db-errors.ts";
import { Refusal } from "../platform/errors.ts";
import type { Locale } from "../platform/i18n.ts";
import { spend } from "../platform/limits.ts";
import { log } from "../platform/log.ts";
import { publishJoined } from "../realtime/publish.ts";
import { parseUsername, suffixesOf, usernameKey } from "../users/usernames.ts";
import {
  type Credentials,
  findCredentials,
  insertSuffixes,
  insertUser,
  type NewUser,
} from "../users/users.queries.ts";
import { countingGuesses, type Origin, WrongGuess } from "./guesses.ts";
import { refuseGuessable } from "./password-strength.ts";
import {
  hashPassword,
  isOutdated,
  PASSWORD_SCHEME,
  refuseUnfitPassword,
  verifyPassword,
} from "./passwords.ts";
import { admit, refuseUninvited } from "./registration.ts";

/** What a person types to get in. */
export interface Login {
  username: string;
  password: string;
  origin: Origin;
}

/** The same of somebody new. */
export interface Registration extends Login {
  /** The token of an invitation; empty without one. */
  invitation: string;
}

/** Who got in, as the session keeps it. */
export interface Account {
  userId: number;
  authVersion: number;
}

/**
 * @throws Refusal `invalid` for an unfit name or password, `conflict` for a name that is taken, `forbidden` for whoever
 *   may not register, `too_many` from one network
 */
export async function register(login: Registration, locale: Locale): Promise<Account> {
  const username = parseUsername(login.username);
  if (username === null) throw new Refusal("invalid", "auth.error.usernameShape");
  refuseUnfitPassword(login.password);
  await refuseUninvited(login.invitation);
  await spend("registerPerAddress", login.origin.network);
  await refuseGuessable(login.password, username);
  const key = usernameKey(username);
  // The answer has to say that a name is taken, so its time hides nothing; whoever may not register is told nothing.
  if (await findCredentials(key)) throw new Refusal("conflict", "auth.error.usernameTaken");
  const passwordHash = await hashPassword(login.password);
  const userId = await createUser(
    { username, usernameKey: key, passwordHash, passwordScheme: PASSWORD_SCHEME, locale },
    login.invitation,
  );
  publishJoined(userId);
  return { userId, authVersion: 1 };
}

/** Stores a user and the endings of the name, by which search finds it. @throws Refusal `conflict`, `forbidden` */
async function createUser(user: NewUser, invitation: string): Promise<number> {
  try {
    const { userId, by } = await db.transaction(async (tx) => {
      const id = await insertUser(tx, user);
      await insertSuffixes(tx, id, suffixesOf(user.usernameKey));
      return { userId: id, by: await admit(tx, id, invitation) };
    });
    if (by === "invitation") audit("invitation_used", { userId });
    return userId;
  } catch (error) {
    if (isDuplicate(error)) throw new Refusal("conflict", "auth.error.usernameTaken");
    throw error;
  }
}

/** A name or a password was wrong. Whose account it is only the audit log is told. */
export class WrongLogin extends WrongGuess {
  readonly userId: number | undefined;

  constructor(userId: number | undefined) {
    super("unauthorized", "auth.error.wrong");
    this.userId = userId;
  }
}

/**
 * @throws WrongLogin, the same for a wrong name and a wrong password; `too_many` after many of them; `forbidden` for
 *   a disabled account, which only the right password is told
 */
export function logIn(login: Login): Promise<Account> {
  const key = usernameKey(login.username);
  return countingGuesses(key, login.origin, () => checkPassword(key, login.password));
}

async function checkPassword(key: string, password: string): Promise<Account> {
  const credentials = await findCredentials(key);
  const matches = await verifyPassword(password, credentials?.passwordHash);
  if (!matches || !credentials) throw new WrongLogin(credentials?.id);
  if (credentials.disabledAt !== null) throw new Refusal("forbidden", "auth.error.disabled");
  if (isOutdated(credentials)) await renewHash(credentials, password);
  return { userId: credentials.id, authVersion: credentials.authVersion };
}

/** Now that the password is here: hashes it under the settings of now. Whoever logs in gets in, also if that fails. */
async function renewHash({ id, passwordHash }: Credentials, password: string): Promise<void> {
  try {
    await updateHash(id, passwordHash, await hashPassword(password), PASSWORD_SCHEME);
  } catch (error) {
    log.warn(
      { reason: String(error), userId: id },
      "a password could not be hashed anew; the next login does it",
    );
  }
}
