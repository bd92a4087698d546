import type { ClientEvents } from "../realtime/events.ts";
import type { Config } from "./config.ts";

/**
 * Who gets what, of every route, public file, event and mode of registration: one table, the same as in
 * docs/security.md. It grants nothing itself. tests/security/access.test.ts and registration.test.ts walk all of it on
 * running servers, and fail when the app has one that is not here.
 */

/**
 * - `yes`: answered, or done.
 * - `own`: answered, with what is the asker's own and nothing of what was asked about.
 * - `login`: a page sends to the login, data is 401.
 * - `401`, `403`, `404`: refused so.
 * - `no socket`: there is no connection to ask by.
 */
export type Outcome = "yes" | "own" | "login" | "401" | "403" | "404" | "no socket";

/** What each gets: nobody in particular, a person it does not concern, its owner or member, the administrator. */
export interface Access {
  anonymous: Outcome;
  stranger: Outcome;
  member: Outcome;
  /** An administrator whom it does not concern otherwise: sees no more of others' talks than a stranger. */
  administrator: Outcome;
}

const row = (
  anonymous: Outcome,
  stranger: Outcome,
  member: Outcome,
  administrator: Outcome = stranger,
): Access => ({ anonymous, stranger, member, administrator });

const anybody = row("yes", "yes", "yes");
const administrators = row("404", "404", "404", "yes");
const ownPage = row("login", "own", "yes");
const ownForm = row("401", "own", "yes");
const signedInPage = row("login", "yes", "yes");
const signedInForm = row("401", "yes", "yes");
// Whoever does not know the owner's password is told so.
const confirmedForm = row("401", "403", "yes");

/** By method and path, as Express has them; `file` stands for what is served from a folder. */
export const ROUTE_ACCESS: Record<string, Access> = {
  "GET /healthz": anybody,
  "GET /readyz": anybody,
  // With the operator's token; nobody has it by being somebody.
  "GET /metrics": row("404", "404", "404"),
  "GET /build/:file": anybody,
  "GET /favicon.svg": anybody,
  "GET /avatars/1/:file": anybody,
  "GET /register": anybody,
  "POST /register": anybody,
  "GET /invitation/:token": anybody,
  "GET /login": anybody,
  "POST /login": anybody,
  // Without the right password of a moment ago: on to the login.
  "GET /login/code": anybody,
  "POST /login/code": anybody,
  // Whoever has the link may; it is made for one.
  "GET /reset/:token": anybody,
  "POST /reset/:token": anybody,
  "GET /admin": administrators,
  "POST /admin/users/:userId/disabling": administrators,
  "POST /admin/users/:userId/revocation": administrators,
  "POST /admin/users/:userId/reset": administrators,
  "POST /admin/users/:userId/reset/withdrawal": administrators,
  "POST /admin/users/:userId/two-step/deletion": administrators,
  // With their own password.
  "GET /admin/users/:userId/handover": administrators,
  "POST /admin/users/:userId/handover": administrators,
  "POST /admin/invitations": administrators,
  "POST /admin/invitations/:id/withdrawal": administrators,
  "GET /session": anybody,
  "POST /logout": anybody,
  "GET /settings": signedInPage,
  "GET /sessions": ownPage,
  "GET /sessions/others/revocation": signedInPage,
  "POST /sessions/others/revocation": confirmedForm,
  "GET /sessions/:id/revocation": row("login", "404", "yes"),
  "POST /sessions/:id/revocation": row("401", "404", "yes"),
  "GET /password": signedInPage,
  "POST /password": confirmedForm,
  "GET /two-step": signedInPage,
  "POST /two-step": confirmedForm,
  "POST /two-step/confirmation": row("401", "404", "yes"),
  "GET /two-step/recovery-codes": signedInPage,
  "POST /two-step/recovery-codes": confirmedForm,
  "GET /two-step/deletion": signedInPage,
  "POST /two-step/deletion": confirmedForm,
  "GET /account/deletion": signedInPage,
  "POST /account/deletion": confirmedForm,
  "POST /theme": anybody,
  "POST /locale": anybody,
  "POST /time-zone": signedInForm,
  "GET /seen.gif": signedInPage,
  "GET /": ownPage,
  "GET /chat/:userId": ownPage,
  "GET /chat/:userId/messages": ownPage,
  "POST /chat/:userId/messages": ownForm,
  "GET /chat/:userId/messages/:seq/seen.gif": ownPage,
};

/** The way to all events, by WebSocket and by nothing else. */
export const SOCKET_ACCESS: Record<string, Access> = { "/socket.io/": row("no socket", "yes", "yes") };

const ofConversation = row("no socket", "404", "yes");
const ofAnybody = row("no socket", "own", "yes");

/** By name, asked about a conversation where the event names one. */
export const EVENT_ACCESS: Record<keyof ClientEvents, Access> = {
  sendMessage: ofConversation,
  getMessages: ofConversation,
  getConversations: ofAnybody,
  deliverMessages: ofConversation,
  readMessages: ofConversation,
  typing: ofConversation,
  watchUsers: ofAnybody,
};

/** Who may register: the first of all, who becomes the administrator, and those who come later. */
interface RegistrationAccess {
  first: Outcome;
  uninvited: Outcome;
  invited: Outcome;
}

/** By `REGISTRATION`. */
export const REGISTRATION_ACCESS: Record<Config["registration"], RegistrationAccess> = {
  open: { first: "yes", uninvited: "yes", invited: "yes" },
  invite: { first: "yes", uninvited: "403", invited: "yes" },
  closed: { first: "yes", uninvited: "403", invited: "403" },
};
