import { createHash, randomBytes } from "node:crypto";
import type { Request } from "express";
import { config } from "./config.ts";

/** Links that work once. Whoever has the link may; what is stored is only its digest. */
export interface OneTimeToken {
  token: string;
  hash: Buffer;
}

const TOKEN_BYTES = 32;

export function newToken(): OneTimeToken {
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  return { token, hash: hashOfToken(token) };
}

/** By digest the database may look it up: nothing about a token that long can be learnt from the time it takes. */
export function hashOfToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** A path of this site as somebody else can open it. */
export function linkTo(request: Request, path: string): string {
  return `${config.publicOrigin ?? `${request.protocol}://${request.get("host")}`}${path}`;
}
