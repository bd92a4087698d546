import { type Credentials, findCredentialsById } from "../users/users.queries.ts";
import { countingProofs, type Prover, WrongGuess } from "./guesses.ts";
import { verifyPassword } from "./passwords.ts";

/**
 * Makes sure that it is the person and not somebody who found their browser open: asked again before anything that
 * they could not undo.
 *
 * @throws WrongGuess `forbidden` for a wrong password, Refusal `too_many` after many of them
 */
export function confirmIdentity(prover: Prover, password: string): Promise<Credentials> {
  return countingProofs("password", prover, async () => {
    const credentials = await findCredentialsById(prover.userId);
    const matches = await verifyPassword(password, credentials?.passwordHash);
    if (!matches || !credentials) throw new WrongGuess("forbidden", "auth.error.wrongPassword");
    return credentials;
  });
}
