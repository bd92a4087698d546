import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { BUSY_PERSON, LONG_PARTNER } from "../seed/sizes.ts";
import type { Visitor } from "./app.ts";
import type { Stage } from "./stage.ts";

/** Something a person does, whose cost must not grow with what is stored. */
export interface Operation {
  name: string;
  /** How often it is done a round. */
  times: number;
  /** What makes it worth asking again, so that no answer kept from before will do; not timed. */
  prepare?: (stage: Stage) => Promise<unknown>;
  /** Does it and checks the answer. `turn` counts from 0, over all rounds. */
  run: (stage: Stage, turn: number) => Promise<unknown>;
}

const PAGE = 50;
const LIST = 20;
const CATCH_UP_PAGE = 200;
const TYPED = ["a", "an", "ana"];
const TEXT = "Sixty bytes of text, as people write them in most of their lines";
const UNREAD_MAX = 100;

export const OPERATIONS: Operation[] = [
  {
    ...{ name: "open at the newest", times: 40 },
    prepare: (stage) => send(stage, stage.partner, BUSY_PERSON),
    run: (stage) => openAt(stage, "", stage.last - PAGE + 1),
  },
  {
    ...{ name: "open at the oldest", times: 40 },
    run: (stage, turn) => openAt(stage, `/messages?before=${PAGE + 1 + turn}`, 1 + turn),
  },
  {
    ...{ name: "open at a linked message", times: 40 },
    run: (stage) => {
      const seq = stage.dice.integer(PAGE, stage.size.longest - PAGE);
      return openAt(stage, `/messages?around=${seq}`, seq - PAGE / 2);
    },
  },
  {
    ...{ name: "the list", times: 40 },
    prepare: (stage) => send(stage, stage.partner, BUSY_PERSON),
    run: list,
  },
  { ...{ name: "search as one types", times: 60 }, run: search },
  { ...{ name: "send", times: 100 }, run: (stage) => send(stage, stage.busy, LONG_PARTNER) },
  { ...{ name: "catch up by 10", times: 60 }, run: (stage) => catchUp(stage, 10) },
  { ...{ name: "catch up by 10,000", times: 3 }, run: (stage) => catchUp(stage, 10_000) },
  { ...{ name: "unread counts", times: 60 }, run: unread },
  { ...{ name: "read one of many unread", times: 40 }, run: readOn },
];

async function openAt({ busy }: Stage, path: string, first: number): Promise<void> {
  const page = await busy.get(`/chat/${LONG_PARTNER}${path}`, "text/html");
  const seqs = [...page.matchAll(/ data-seq="(\d+)"/g)].map(([, seq]) => Number(seq));
  assert.deepEqual(
    seqs,
    Array.from({ length: PAGE }, (_none, index) => first + index),
  );
}

async function list({ busy }: Stage): Promise<void> {
  const page = await busy.get("/", "text/html");
  assert.equal([...page.matchAll(/<\w+[^>]* data-user-id="\d+"[^>]* data-unread=/g)].length, LIST);
}

const found = z.object({ rows: z.array(z.object({ username: z.string() })), next: z.string() });

async function search({ busy }: Stage, turn: number): Promise<void> {
  const typed = TYPED[turn % TYPED.length] ?? "";
  const { rows } = found.parse(JSON.parse(await busy.get(`/?q=${typed}`, "application/json")));
  assert.equal(rows.length, LIST);
  assert.ok(rows.every(({ username }) => username.includes(typed)));
}

const sent = z.object({ message: z.object({ seq: z.number(), rev: z.number() }) });

async function send(stage: Stage, visitor: Visitor, receiverId: number): Promise<void> {
  const answer = await visitor.ask("sendMessage", { receiverId, message: TEXT, clientId: randomUUID() });
  stage.last += 1;
  assert.deepEqual(sent.parse(answer).message, { seq: stage.last, rev: stage.last });
}

const changes = z.object({ messages: z.array(z.object({ rev: z.number() })), more: z.boolean() });

/** Everything after a cursor, page by page, as a page that was away does it. */
async function catchUp({ busy, last }: Stage, count: number): Promise<void> {
  let cursor = last - count;
  for (let more = true; more; ) {
    const wanted = { userId: LONG_PARTNER, afterRev: cursor, limit: CATCH_UP_PAGE };
    const page = changes.parse(await busy.ask("getMessages", wanted));
    for (const { rev } of page.messages) assert.equal(rev, ++cursor);
    more = page.more;
  }
  assert.equal(cursor, last);
}

const counted = z.object({
  rows: z.array(z.object({ userId: z.number() })),
  unreadConversations: z.number(),
});

/** One row of the list, and the number in the title. */
async function unread({ busy, unreadTalks }: Stage): Promise<void> {
  const answer = counted.parse(await busy.ask("getConversations", { userIds: [LONG_PARTNER] }));
  assert.equal(answer.rows.length, 1);
  // The long conversation's own news, which nobody read here, may have added one.
  assert.ok(
    [unreadTalks, unreadTalks + 1].some(
      (count) => Math.min(count, UNREAD_MAX) === answer.unreadConversations,
    ),
  );
}

const moved = z.object({ cursors: z.tuple([z.object({ readSeq: z.number(), unread: z.number() })]) });

/** The partner reads one message more of the half that is unread. */
async function readOn(stage: Stage): Promise<void> {
  stage.read += 1;
  const answer = await stage.partner.ask("readMessages", { userId: BUSY_PERSON, seq: stage.read });
  const [{ readSeq, unread: left }] = moved.parse(answer).cursors;
  assert.equal(readSeq, stage.read);
  assert.ok(left > 0);
}
