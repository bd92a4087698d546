import { randomUUID } from "node:crypto";
import type { ROUTE_ACCESS } from "../../src/platform/access.ts";
import type { ClientEvents } from "../../src/realtime/events.ts";
import type { Causerie } from "../support/causerie.ts";
import { connect, logIn, newName, type Person, passwordOf, signUp } from "../support/person.ts";
import { beginTwoStep, codeOf, turnTwoStepOn } from "../support/two-step.ts";

/** Two who talk: whose page, message, session … is asked for. */
export interface Talk {
  causerie: Causerie;
  /** Whoever it belongs to. */
  member: Person;
  other: Person;
  conversationId: number;
  /** Stands in their conversation, and nowhere that others may look. */
  secret: string;
}

/** A new one, so that nothing which a request did is in the way of the next. */
export async function newTalk(causerie: Causerie): Promise<Talk> {
  const [member, other] = [await signUp(causerie), await signUp(causerie)];
  const secret = `between two ${randomUUID()}`;
  const device = await connect(causerie, member);
  const { message } = await device.send(other.id, secret);
  device.socket.disconnect();
  return { causerie, member, other, conversationId: message.conversationId, secret };
}

/** One request as pages make it. `shows` is what its owner must find in the answer. */
export interface Example {
  path: string;
  fields?: Record<string, string>;
  shows?: string;
}

type MakeExample = (talk: Talk) => Example | Promise<Example>;

const at =
  (path: string, fields?: Record<string, string>): MakeExample =>
  () =>
    fields ? { path, fields } : { path };

async function builtFile({ causerie }: Talk): Promise<Example> {
  const html = await (await fetch(`${causerie.url}/login`)).text();
  return { path: /\/build\/app-[\w-]+\.js/.exec(html)?.[0] ?? "" };
}

/** The name, on the page of sessions, of another session of the same person. */
async function otherSession(causerie: Causerie, member: Person): Promise<string> {
  await logIn(causerie, member);
  const html = await (await member.get("/sessions")).text();
  return /\/sessions\/([\w-]{22})\/revocation/.exec(html)?.[1] ?? "";
}

const withCode =
  (path: string): MakeExample =>
  async ({ member }) => {
    const { recoveryCodes } = await turnTwoStepOn(member);
    return { path, fields: { password: member.password, code: recoveryCodes[0] ?? "" } };
  };

/** A link for the member's new password. */
async function resetPath({ causerie, member }: Talk): Promise<string> {
  const token = randomUUID();
  await causerie.rows(
    `REPLACE INTO password_resets (user_id, token_hash, expires_at, auth_version)
     SELECT id, UNHEX(SHA2(?, 256)), UTC_TIMESTAMP(3) + INTERVAL 1 DAY, auth_version FROM users WHERE id = ?`,
    [token, member.id],
  );
  return `/reset/${token}`;
}

async function administratorOf(causerie: Causerie): Promise<string> {
  const [row] = await causerie.rows<{ username: string }>(
    "SELECT username FROM users WHERE administrator = 1",
  );
  return row?.username ?? "";
}

async function newInvitation({ causerie, member }: Talk): Promise<number> {
  await causerie.rows(
    `INSERT INTO invitations (token_hash, note, made_by, created_at, expires_at)
     VALUES (UNHEX(SHA2(?, 256)), '', ?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) + INTERVAL 1 DAY)`,
    [randomUUID(), member.id],
  );
  const [row] = await causerie.rows<{ id: number }>("SELECT MAX(id) AS id FROM invitations");
  return row?.id ?? 0;
}

/** How each route is asked for, about what is the talk's. */
export const ROUTE_EXAMPLES: Record<keyof typeof ROUTE_ACCESS, MakeExample> = {
  "GET /healthz": at("/healthz"),
  "GET /readyz": at("/readyz"),
  "GET /metrics": at("/metrics"),
  "GET /build/:file": builtFile,
  "GET /favicon.svg": at("/favicon.svg"),
  "GET /avatars/1/:file": ({ member }) => ({ path: `/avatars/1/${member.id}.svg` }),
  "GET /register": at("/register"),
  "POST /register": () => ({
    path: "/register",
    fields: { username: newName(), password: `of ${randomUUID()}` },
  }),
  "GET /login": at("/login"),
  "POST /login": ({ member }) => ({
    path: "/login",
    fields: { username: member.name, password: member.password },
  }),
  "GET /login/code": at("/login/code"),
  "POST /login/code": at("/login/code", { code: "123456" }),
  "GET /invitation/:token": at("/invitation/none"),
  "GET /reset/:token": async (talk) => ({ path: await resetPath(talk) }),
  "POST /reset/:token": async (talk) => ({
    path: await resetPath(talk),
    fields: { newPassword: `of ${randomUUID()}` },
  }),
  "GET /admin": ({ member }) => ({ path: `/admin?q=${member.name}` }),
  "POST /admin/users/:userId/disabling": ({ member }) => ({
    path: `/admin/users/${member.id}/disabling`,
    fields: { disabled: "true" },
  }),
  "POST /admin/users/:userId/revocation": ({ member }) => ({
    path: `/admin/users/${member.id}/revocation`,
    fields: {},
  }),
  "POST /admin/users/:userId/reset": ({ member }) => ({
    path: `/admin/users/${member.id}/reset`,
    fields: {},
  }),
  "POST /admin/users/:userId/reset/withdrawal": async (talk) => {
    await resetPath(talk);
    return { path: `/admin/users/${talk.member.id}/reset/withdrawal`, fields: {} };
  },
  "POST /admin/users/:userId/two-step/deletion": async ({ member }) => {
    await turnTwoStepOn(member);
    return { path: `/admin/users/${member.id}/two-step/deletion`, fields: {} };
  },
  "GET /admin/users/:userId/handover": ({ other }) => ({ path: `/admin/users/${other.id}/handover` }),
  "POST /admin/users/:userId/handover": async ({ causerie, other }) => ({
    path: `/admin/users/${other.id}/handover`,
    fields: { password: passwordOf(await administratorOf(causerie)) },
  }),
  "POST /admin/invitations": at("/admin/invitations", { note: "for somebody" }),
  "POST /admin/invitations/:id/withdrawal": async (talk) => ({
    path: `/admin/invitations/${await newInvitation(talk)}/withdrawal`,
    fields: {},
  }),
  "GET /session": at("/session"),
  "POST /logout": at("/logout", {}),
  "GET /settings": at("/settings"),
  "GET /sessions": async ({ member, causerie }) => ({
    path: "/sessions",
    shows: await otherSession(causerie, member),
  }),
  "GET /sessions/others/revocation": at("/sessions/others/revocation"),
  "POST /sessions/others/revocation": ({ member }) => ({
    path: "/sessions/others/revocation",
    fields: { password: member.password },
  }),
  "GET /sessions/:id/revocation": async ({ member, causerie }) => ({
    path: `/sessions/${await otherSession(causerie, member)}/revocation`,
  }),
  "POST /sessions/:id/revocation": async ({ member, causerie }) => ({
    path: `/sessions/${await otherSession(causerie, member)}/revocation`,
    fields: { password: member.password },
  }),
  "GET /password": at("/password"),
  "POST /password": ({ member }) => ({
    path: "/password",
    fields: { currentPassword: member.password, newPassword: `new ${randomUUID()}` },
  }),
  "GET /two-step": at("/two-step"),
  "POST /two-step": ({ member }) => ({ path: "/two-step", fields: { password: member.password } }),
  "POST /two-step/confirmation": async ({ member }) => ({
    path: "/two-step/confirmation",
    fields: { code: codeOf(await beginTwoStep(member)) },
  }),
  "GET /two-step/recovery-codes": at("/two-step/recovery-codes"),
  "POST /two-step/recovery-codes": withCode("/two-step/recovery-codes"),
  "GET /two-step/deletion": at("/two-step/deletion"),
  "POST /two-step/deletion": withCode("/two-step/deletion"),
  "GET /account/deletion": at("/account/deletion"),
  "POST /account/deletion": ({ member }) => ({
    path: "/account/deletion",
    fields: { password: member.password },
  }),
  "POST /theme": at("/theme", { theme: "dark" }),
  "POST /locale": at("/locale", { locale: "en" }),
  "POST /time-zone": at("/time-zone", { timeZone: "Europe/Paris" }),
  "GET /seen.gif": at("/seen.gif"),
  "GET /": ({ other }) => ({ path: "/", shows: other.name }),
  "GET /chat/:userId": ({ other, secret }) => ({ path: `/chat/${other.id}`, shows: secret }),
  "GET /chat/:userId/messages": ({ other, secret }) => ({
    path: `/chat/${other.id}/messages?afterRev=0`,
    shows: secret,
  }),
  "POST /chat/:userId/messages": ({ other }) => ({
    path: `/chat/${other.id}/messages`,
    fields: { message: "hello", clientId: randomUUID() },
  }),
  "GET /chat/:userId/messages/:seq/seen.gif": ({ other }) => ({
    path: `/chat/${other.id}/messages/1/seen.gif`,
  }),
};

/** What each event is sent, about the talk. */
export const EVENT_EXAMPLES: Record<keyof ClientEvents, (talk: Talk) => object> = {
  sendMessage: ({ conversationId }) => ({ conversationId, message: "hello", clientId: randomUUID() }),
  getMessages: ({ conversationId }) => ({ conversationId, afterRev: 0 }),
  getConversations: ({ member, other }) => ({ userIds: [member.id, other.id] }),
  deliverMessages: ({ conversationId }) => ({ conversationId, seq: 1 }),
  readMessages: ({ conversationId }) => ({ conversationId, seq: 1 }),
  typing: ({ conversationId }) => ({ conversationId, typing: true }),
  watchUsers: ({ member }) => ({ userIds: [member.id] }),
};
