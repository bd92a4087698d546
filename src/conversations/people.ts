import { EVERYBODY, presenceTopic, type Topic, viewOf } from "../platform/changes.ts";
import { spendLeased } from "../platform/leased-limits.ts";
import type { ConversationRow } from "../realtime/events.ts";
import { findOnline } from "../users/presence.ts";
import { usernameKey } from "../users/usernames.ts";
import { countUnread } from "./conversations.queries.ts";
import type { Actor } from "./conversations.ts";
import {
  findByBeginning,
  findByPart,
  findNotTalkedWith,
  findPersonRows,
  findTalkedWith,
  type PersonRow,
} from "./people.queries.ts";
import { type Place, parsePlace, placeText } from "./place.ts";

/** A row of the list without its markup. */
export type Person = Omit<ConversationRow, "html">;

export interface PeoplePage {
  rows: Person[];
  /** Where the next page starts, for `after`; null at the end. */
  next: string | null;
}

export interface PeopleQuery {
  /** Part of a name; empty lists everybody: conversations by latest message, then the others by name. */
  q: string;
  /** `next` of the page before. */
  after: string | null;
  limit: number;
}

interface Found {
  userId: number;
  place: Place;
  /** Where it was read already. */
  row?: PersonRow;
}

/** Counts a search, also one that is answered from what is kept. @throws Refusal `too_many` */
export async function spendSearch(actor: Actor, { q }: PeopleQuery): Promise<void> {
  if (usernameKey(q) !== "") await spendLeased("searchPerUser", actor.userId);
}

/** What a page with these people depends on. */
export function topicsOf(viewerId: number, { rows }: PeoplePage): Topic[] {
  return [viewOf(viewerId), EVERYBODY, ...rows.map((row) => presenceTopic(row.userId))];
}

/** One page of the list of people as the actor sees it, never oneself. */
export async function listPeople(actor: Actor, { q, after, limit }: PeopleQuery): Promise<PeoplePage> {
  const key = usernameKey(q);
  const place = after === null ? null : parsePlace(after);
  const found =
    key === "" ? await everybody(actor, place, limit + 1) : await matching(actor, key, place, limit + 1);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    rows: await peopleOf(actor, page),
    next: found.length > limit && last ? placeText(last.place) : null,
  };
}

async function everybody(actor: Actor, place: Place | null, limit: number): Promise<Found[]> {
  const talked =
    place === null || place.kind === "talk" ? await findTalkedWith(actor.userId, place, limit) : [];
  const found: Found[] = talked.map((row) => ({
    userId: row.userId,
    place: { kind: "talk", at: row.at, conversationId: row.conversationId },
    row,
  }));
  if (found.length >= limit) return found;
  const afterKey = place?.kind === "name" ? place.key : "";
  const others = await findNotTalkedWith(actor.userId, afterKey, limit - found.length);
  return [...found, ...others.map(byName)];
}

async function matching(actor: Actor, key: string, place: Place | null, limit: number): Promise<Found[]> {
  const isPastBeginnings = place?.kind === "part";
  const afterKey = place?.kind === "name" ? place.key : "";
  const first = isPastBeginnings ? [] : await findByBeginning(actor.userId, key, afterKey, limit);
  const found = first.map(byName);
  if (found.length >= limit) return found;
  const after = isPastBeginnings ? place : { suffix: "", userId: 0 };
  const inside = await findByPart(actor.userId, key, after, limit - found.length);
  return [...found, ...inside.map((row): Found => ({ userId: row.userId, place: { ...row, kind: "part" } }))];
}

function byName(row: { userId: number; usernameKey: string }): Found {
  return { userId: row.userId, place: { kind: "name", key: row.usernameKey } };
}

/** Rows of the list for these people, in this order; those who do not exist are left out. */
export function peopleByIds(actor: Actor, userIds: number[]): Promise<Person[]> {
  return peopleOf(
    actor,
    userIds.map((userId) => ({ userId })),
  );
}

async function peopleOf(actor: Actor, found: Pick<Found, "userId" | "row">[]): Promise<Person[]> {
  const missing = found.filter(({ row }) => !row).map(({ userId }) => userId);
  const [rows, online] = await Promise.all([
    findPersonRows(actor.userId, missing),
    onlineByUser(found.map(({ userId }) => userId)),
  ]);
  const byId = new Map(rows.map((row) => [row.userId, row]));
  return found.flatMap(({ userId, row = byId.get(userId) }) =>
    row ? [personOf(row, online.get(userId) ?? "unknown")] : [],
  );
}

/** Who is online, as pages show it: while Redis does not answer nobody can know. */
export async function onlineByUser(userIds: number[]): Promise<Map<number, "true" | "false" | "unknown">> {
  const answers = await findOnline(userIds).catch(() => []);
  return new Map(answers.map(({ userId, online }) => [userId, online ? "true" : "false"]));
}

const COUNT_MAX = 99;

/** In how many conversations something is unread, as the page's title shows it; empty for none. */
export async function unreadTitleOf(actor: Actor): Promise<string> {
  const unread = await countUnread(actor.userId, COUNT_MAX + 1);
  if (unread > COUNT_MAX) return `${COUNT_MAX}+`;
  return unread > 0 ? String(unread) : "";
}

function personOf(row: PersonRow, online: Person["online"]): Person {
  const { lastSenderId, lastAt, lastMessage } = row;
  return {
    userId: row.userId,
    username: row.username,
    conversationId: row.conversationId,
    lastSeq: row.lastSeq ?? 0,
    lastRev: row.lastRev ?? 0,
    lastMessage:
      lastSenderId === null || lastAt === null
        ? null
        : {
            seq: row.lastSeq ?? 0,
            senderId: lastSenderId,
            message: lastMessage ?? "",
            timestamp: lastAt.toISOString(),
          },
    unread: row.unread ?? 0,
    own: { deliveredSeq: row.ownDelivered ?? 0, readSeq: row.ownRead ?? 0 },
    other: { deliveredSeq: row.otherDelivered ?? 0, readSeq: row.otherRead ?? 0 },
    online,
  };
}
