import { randomUUID } from "node:crypto";
import type { Causerie } from "../support/causerie.ts";
import { type Answer, connect, type Device, type Person, signUp } from "../support/person.ts";

/** Two people in conversation, and what the tables hold of it. */

export interface Talk {
  id: number;
  one: Person;
  two: Person;
  /** A device of each. */
  oneDevice: Device;
  twoDevice: Device;
}

/**
 * A tab that hears everything from now on: a handshake is answered while the server still looks whether the
 * session stands, and only then does news come.
 */
export async function openTab(
  causerie: Causerie,
  person: Pick<Person, "cookie">,
  auth: { pageId?: string } = {},
): Promise<Device> {
  const device = await connect(causerie, person, auth);
  await device.ask("watchUsers", { userIds: [] });
  return device;
}

/** Two new people of whom the first has said `count` things, "1", "2", "3" … */
export async function startTalk(causerie: Causerie, count = 1): Promise<Talk> {
  const [one, two] = await Promise.all([signUp(causerie), signUp(causerie)]);
  const [oneDevice, twoDevice] = await Promise.all([openTab(causerie, one), openTab(causerie, two)]);
  // The first alone, so that the others find the conversation begun.
  const { message } = await oneDevice.send(two.id, "1");
  const numbers = Array.from({ length: count - 1 }, (_, index) => index + 2);
  await Promise.all(numbers.map((number) => oneDevice.send(two.id, String(number))));
  return { id: message.conversationId, one, two, oneDevice, twoDevice };
}

export interface StoredMessage {
  id: number;
  seq: number;
  rev: number;
  clientId: string;
  senderId: number;
  message: string;
  timestamp: string;
}

/** The rows of a conversation in the order of `seq`. */
export async function messagesIn(causerie: Causerie, conversationId: number): Promise<StoredMessage[]> {
  const rows = await causerie.rows<StoredMessage & { createdAt: Date; hex: string }>(
    `SELECT id, seq, rev, LOWER(HEX(client_id)) AS hex, sender_id AS senderId, message, created_at AS createdAt
     FROM messages WHERE conversation_id = ? ORDER BY seq`,
    [conversationId],
  );
  return rows.map(({ hex, createdAt, ...row }) => ({
    ...row,
    clientId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
    timestamp: createdAt.toISOString(),
  }));
}

/** What is stored of a message, out of an acknowledgement or an event. */
export function storedPartOf(message: StoredMessage): StoredMessage {
  const { id, seq, rev, clientId, senderId, message: text, timestamp } = message;
  return { id, seq, rev, clientId, senderId, message: text, timestamp };
}

export interface StoredConversation {
  id: number;
  kind: string;
  lastSeq: number;
  lastRev: number;
  lastMessageAt: Date | null;
}

/** The row of a conversation between two people; undefined before it has begun. */
export async function conversationBetween(
  causerie: Causerie,
  one: Pick<Person, "id">,
  two: Pick<Person, "id">,
): Promise<StoredConversation | undefined> {
  const key = `${Math.min(one.id, two.id)}:${Math.max(one.id, two.id)}`;
  const [row] = await causerie.rows<StoredConversation>(
    `SELECT id, kind, last_seq AS lastSeq, last_rev AS lastRev, last_message_at AS lastMessageAt
     FROM conversations WHERE direct_key = ?`,
    [key],
  );
  return row;
}

export interface StoredMember {
  deliveredSeq: number;
  readSeq: number;
  unread: number;
}

/** Somebody's cursors and unread count in a conversation; undefined for a stranger. */
export async function memberIn(
  causerie: Causerie,
  conversationId: number,
  { id }: Pick<Person, "id">,
): Promise<StoredMember | undefined> {
  const [row] = await causerie.rows<StoredMember>(
    `SELECT delivered_seq AS deliveredSeq, read_seq AS readSeq, unread_count AS unread
     FROM memberships WHERE conversation_id = ? AND user_id = ?`,
    [conversationId, id],
  );
  return row && { deliveredSeq: row.deliveredSeq, readSeq: row.readSeq, unread: row.unread };
}

/** What somebody's unread count should be: others' messages after the own read cursor. */
export async function recountUnread(
  causerie: Causerie,
  conversationId: number,
  { id }: Pick<Person, "id">,
): Promise<number> {
  const [row] = await causerie.rows<{ unread: number }>(
    `SELECT COUNT(*) AS unread FROM memberships b
     JOIN messages m ON m.conversation_id = b.conversation_id AND m.seq > b.read_seq AND m.sender_id <> b.user_id
     WHERE b.conversation_id = ? AND b.user_id = ?`,
    [conversationId, id],
  );
  return row?.unread ?? 0;
}

/** How many rows each table holds. */
export async function tableSizes(causerie: Causerie): Promise<object | undefined> {
  const [sizes] = await causerie.rows(
    `SELECT (SELECT COUNT(*) FROM conversations) AS conversations,
            (SELECT COUNT(*) FROM memberships) AS memberships,
            (SELECT COUNT(*) FROM messages) AS messages`,
  );
  return sizes && { ...sizes };
}

/**
 * Resolves once everything that was on its way to a device has come: news travels in order, so what was sent
 * before a message of the same node that has arrived is not going to come any more.
 */
export async function settled(device: Device, owner: Pick<Person, "id">, from: Device): Promise<void> {
  const clientId = randomUUID();
  await from.send(owner.id, "that was all", clientId);
  await device.until("receiveMessage", (message) => message.clientId === clientId);
}

/** Text as a browser shows a message's markup, once its links are taken for their text. */
export function shownText(html: string): string {
  const named: Record<string, string> = {
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&#39;": "'",
    "&amp;": "&",
  };
  return html
    .replace(/<\/?a(?: [^<>]*)?>/g, "")
    .replace(/&(?:lt|gt|quot|#39|amp);/g, (name) => named[name] ?? "");
}

/** The markup inside a message's bubble. */
export function textMarkup(html: string): string {
  return /<div class="text" dir="auto">([\s\S]*?)<\/div><span class="meta">/.exec(html)?.[1] ?? "";
}

/** An answer in JSON. */
export async function answerOf(response: Response): Promise<Answer> {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind
  const body: any = await response.json();
  return body;
}
