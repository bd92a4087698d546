import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { config } from "../platform/config.ts";

/**
 * Secrets at rest: AES-256-GCM under a key from the settings, bound to their person, so that a stolen table shows none
 * and a row of one person is worth nothing to another. Sealed is nonce, tag, text.
 */

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals under the newest key. */
export function seal(userId: number, secret: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", keyOf(config.encryptionKeys[0]), nonce);
  cipher.setAAD(Buffer.from(`two-step ${userId}`));
  const text = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

/** Opens what was sealed under any of the keys; null when none fits, because it was lost or changed. */
export function unseal(userId: number, sealed: Buffer): { secret: Buffer; isNewest: boolean } | null {
  for (const [index, key] of config.encryptionKeys.entries()) {
    const secret = tryKey(key, userId, sealed);
    if (secret) return { secret, isNewest: index === 0 };
  }
  return null;
}

function tryKey(key: string, userId: number, sealed: Buffer): Buffer | null {
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", keyOf(key), nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(`two-step ${userId}`));
  decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    return null;
  }
}

/** A digest that only this server can make, bound to its person: of codes too short to be kept under a plain one. */
export function keyedDigest(userId: number, text: string): Buffer {
  const key = derive(config.passwordKey, "causerie recovery codes");
  return createHmac("sha256", key).update(`${userId} ${text}`).digest();
}

function keyOf(key = ""): Buffer {
  return derive(key, "causerie two-step secrets");
}

function derive(key: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", key, "", purpose, 32));
}
