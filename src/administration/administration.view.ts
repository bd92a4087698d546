import type { Response } from "express";
import { config } from "../platform/config.ts";
import { clockOf } from "../platform/context.ts";
import { translate } from "../platform/i18n.ts";
import { type Clock, whenLabel } from "../platform/times.ts";
import type { UserRow } from "./administration.queries.ts";
import type { MadeLink, UsersPage } from "./administration.ts";

export const USERS_PAGE = 25;

/** A link that was just made, to be copied now. */
export interface Link extends Omit<MadeLink, "token"> {
  kind: "invitation" | "reset";
  address: string;
  /** Whose password it is for. */
  username: string;
}

/** Draws the administrator's page. */
export function renderAdministration(
  response: Response,
  page: UsersPage,
  q: string,
  link: Link | null,
): void {
  const clock = clockOf(response);
  // After a link was made the address is that of a form, which cannot be asked for.
  if (link) response.locals.here = "/admin";
  response.render("administration/index", {
    ...{ title: translate(clock.locale, "admin.heading"), seenImage: "/seen.gif", q },
    users: page.users.map((user) => userOf(user, clock)),
    moreUrl: page.next === null ? null : `/admin?${new URLSearchParams({ q, after: page.next })}`,
    invitations: page.invitations.map(({ id, note, expiresAt }) => ({
      ...{ id, note, until: whenLabel(expiresAt, clock) },
    })),
    takesInvitations: config.registration === "invite",
    mode: translate(clock.locale, `admin.registration.${config.registration}`),
    link: link && { ...link, until: whenLabel(link.expiresAt, clock), isReset: link.kind === "reset" },
  });
}

function userOf(user: UserRow, clock: Clock) {
  return {
    ...{ id: user.id, username: user.username },
    isAdministrator: user.administrator === 1,
    isDisabled: user.disabledAt !== null,
    hasResetLink: Number(user.hasResetLink) === 1,
    hasTwoStep: Number(user.hasTwoStep) === 1,
    registered: whenLabel(user.createdAt, clock),
    lastSeen: user.lastSeenAt && whenLabel(user.lastSeenAt, clock),
  };
}
