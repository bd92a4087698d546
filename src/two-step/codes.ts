import { randomBytes } from "node:crypto";
import { Secret, TOTP } from "otpauth";

const PERIOD_S = 30;
/** Steps that a clock may be off, either way. */
const WINDOW = 1;
const SECRET_BYTES = 20;
const RECOVERY_CODES = 10;
const RECOVERY_CHARACTERS = 16;
/** Without letters and digits that look like others. 32 of them, so that every byte counts the same. */
const ALPHABET = "abcdefghjkmnpqrstuvwxyz023456789";

export const newSecret = () => randomBytes(SECRET_BYTES);

/** The step (half minutes since 1970) whose code this is, as RFC 6238 counts them; null for a wrong one. */
export function stepOf(secret: Buffer, code: string, now = Date.now()): number | null {
  const delta = authenticator(secret).validate({ token: code, timestamp: now, window: WINDOW });
  return delta === null ? null : Math.floor(now / (PERIOD_S * 1000)) + delta;
}

/** What an authenticator is told: as an address in a QR code, and as text to type. */
export function keyFor(secret: Buffer, username: string): { address: string; text: string } {
  const totp = authenticator(secret, username);
  const text = totp.secret.base32.match(/.{1,4}/g)?.join(" ") ?? "";
  return { address: totp.toString(), text };
}

function authenticator(secret: Buffer, label = ""): TOTP {
  const bytes = new Uint8Array(secret);
  return new TOTP({
    issuer: "Causerie",
    label,
    period: PERIOD_S,
    secret: new Secret({ buffer: bytes.buffer }),
  });
}

/** Codes to write down: 80 random bits each. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: RECOVERY_CODES }, () => {
    const letters = [...randomBytes(RECOVERY_CHARACTERS)].map((byte) => ALPHABET[byte % ALPHABET.length]);
    return letters.join("").replace(/(.{4})(?=.)/g, "$1-");
  });
}

/** A code as it was typed, without what people put between its parts. */
export function plainCode(typed: string): string {
  return typed.replace(/[\s-]/g, "").toLowerCase();
}

/** Six digits come from an authenticator, the rest are recovery codes. */
export const isTimed = (code: string) => /^\d{6}$/.test(code);
