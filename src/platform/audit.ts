import type { Request } from "express";
import { addressOf } from "./addresses.ts";
import { log } from "./log.ts";

/** What an operator may have to reconstruct later. docs/security.md lists the same names and words. */
export const AUDIT_EVENTS = {
  login: "somebody logged in",
  login_failed: "a login was refused; `userId` where the name exists",
  logout: "somebody logged out",
  registered: "somebody registered",
  registration_refused: "a registration was refused, with the reason",
  denied: "a request or an event was refused: another site's, nobody's, or not the actor's to make",
  socket_denied: "a socket was refused or cut: its origin or its session is not good",
  limit_reached: "somebody reached a limit",
  password_changed: "somebody changed their password",
  password_change_failed: "a change of the password was refused",
  password_reset: "somebody set a new password by a one-time link",
  two_step_started: "the password was right, the second step is awaited",
  two_step_failed: "a code of the second step was wrong, or used before",
  two_step_enabled: "somebody turned two-step login on",
  two_step_disabled: "somebody turned two-step login off",
  recovery_code_used: "a recovery code was used up",
  recovery_codes_made: "somebody got new recovery codes",
  session_revoked: "a session was ended by its owner",
  session_revocation_failed: "ending sessions was refused",
  sessions_revoked: "all or all other sessions of somebody were ended",
  account_deleted: "somebody deleted their account",
  account_deletion_failed: "deleting an account was refused",
  user_disabled: "an administrator disabled an account",
  user_enabled: "an administrator enabled an account again",
  reset_link_made: "an administrator made a one-time link for a new password",
  reset_link_withdrawn: "an administrator withdrew such a link",
  two_step_removed: "an administrator turned somebody's two-step login off",
  administration_handed_over: "an administrator made somebody else the administrator",
  handover_failed: "handing the administration over was refused",
  invitation_made: "an administrator made an invitation",
  invitation_withdrawn: "an administrator withdrew an invitation",
  invitation_used: "somebody registered with an invitation",
} as const;

export type AuditEvent = keyof typeof AUDIT_EVENTS;

/**
 * What a line may say. Only these, so that no password, session id, cookie, one-time link or text of a message
 * gets in by the way; what was typed as a name is left out too, for it may be a password in the wrong field.
 */
export interface AuditFields {
  /** Whom it concerns. */
  userId?: number | undefined;
  /** Who did it, where that is somebody else. */
  actorId?: number | undefined;
  address?: string | undefined;
  requestId?: string | undefined;
  method?: string | undefined;
  /** The first part of a path only: later ones may be one-time links. */
  area?: string | undefined;
  /** A socket's event. */
  socketEvent?: string | undefined;
  origin?: string | undefined;
  reason?: string | undefined;
  count?: number | undefined;
}

/** Writes one line, at every LOG_LEVEL but `silent`: what happened and to whom. */
export function audit(event: AuditEvent, fields: AuditFields): void {
  if (log.level === "silent") return;
  const safe = Object.entries(fields).map(([key, value]) => [
    key,
    typeof value === "string" ? plain(value) : value,
  ]);
  log.child({ audit: true, event }, { level: "info" }).info(Object.fromEntries(safe), "audit");
}

/** Where a request came from and what it asked for, for the fields of a line. */
export function requestOf(request: Request): AuditFields {
  const { requestId, viewer } = request.res?.locals ?? {};
  return {
    ...{ userId: viewer?.id, address: addressOf(request), requestId, method: request.method },
    area: `/${request.path.split("/")[1] ?? ""}`,
  };
}

const TEXT_MAX = 200;

/** Headers may hold what begins a line or steers a terminal (U+0085, U+009B); JSON leaves those as they are. */
function plain(text: string): string {
  return text.slice(0, TEXT_MAX).replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, "\ufffd");
}
