import { Secret, TOTP } from "otpauth";
import { textOf, unescapeHtml } from "./forms.ts";
import type { Person } from "./person.ts";

/** An authenticator and what stands on paper. */
export interface Authenticator {
  secret: string;
  recoveryCodes: string[];
}

/** The code an authenticator shows; `steps` half minutes from now. */
export function codeOf(secret: string, steps = 0): string {
  const totp = new TOTP({ secret: Secret.fromBase32(secret) });
  return totp.generate({ timestamp: Date.now() + steps * 30_000 });
}

/** Begins the set-up and returns the key that the page shows, without its blanks. */
export async function beginTwoStep(person: Person): Promise<string> {
  const response = await person.post("/two-step", { password: person.password });
  if (response.status !== 303) throw new Error(`setting up answered ${response.status}`);
  return keyOn(await (await person.get("/two-step")).text());
}

/** The key that a page of the set-up shows. */
export function keyOn(html: string): string {
  const key = /<code class="secret">([A-Z2-7 ]+)<\/code>/.exec(html)?.[1];
  if (!key) throw new Error(`no key on ${textOf(html, "main")}`);
  return key.replaceAll(" ", "");
}

/** The recovery codes that a page shows. */
export function recoveryCodesOn(html: string): string[] {
  return [...html.matchAll(/<li><code>([^<]+)<\/code>/g)].map(([, code = ""]) => unescapeHtml(code));
}

/** Turns it on, with the code of the half minute before, so that the next ones are unused. */
export async function turnTwoStepOn(person: Person): Promise<Authenticator> {
  const secret = await beginTwoStep(person);
  const confirmed = () => person.post("/two-step/confirmation", { code: codeOf(secret, -1) });
  const first = await confirmed();
  // A half minute may have ended on the way.
  const response = first.status === 200 ? first : await confirmed();
  const recoveryCodes = recoveryCodesOn(await response.text());
  if (recoveryCodes.length === 0) throw new Error(`turning it on answered ${response.status}`);
  return { secret, recoveryCodes };
}
