import { changed, conversationTopic, everythingChanged, viewOf } from "../platform/changes.ts";
import { db } from "../platform/db.ts";
import { CommitUnknown, isDeadlock, isReadOnly, isUnavailable } from "../platform/db-errors.ts";
import { Refusal } from "../platform/errors.ts";
import { GroupCommit } from "../platform/group-commit.ts";
import { log } from "../platform/log.ts";
import { batchSize, messagesSent } from "../platform/metrics.ts";
import { type Message, membersOf } from "./message.ts";
import { type Draft, type Stored, writeDrafts } from "./write-drafts.ts";

/**
 * The one way into the table of messages: group commit, with an answer that is true. Stored is answered only
 * after the commit; `unavailable` only when nothing can have been stored; `unknown` when nobody can say, and
 * then the same `clientId` sent again finds out.
 */

/** What became of one send: the stored message, or why there is none. */
type Outcome = Stored | Refusal;

const BATCH_ITEMS = 256;
const BATCH_BYTES = 1 << 20;
const QUEUE_ITEMS = 5000;
const QUEUE_BYTES = 16 << 20;
const QUEUE_WAIT_MS = 4000;
/** How long a batch is tried again while the database is away. */
const RETRY_MS = 2000;
const PAUSE_MS = 50;
const DEADLOCK_RETRIES = 10;
/** What a row costs beside its text. */
const ROW_BYTES = 200;

/** Told of every batch once it is committed; set by whoever publishes. */
type Committed = (messages: Message[]) => void;
let announce: Committed = () => undefined;
export function onCommitted(publish: Committed): void {
  announce = publish;
}

const writer = new GroupCommit<Draft, Outcome>({
  commit: commitBatch,
  announce: announceSafely,
  sizeOf: (draft) => draft.message.length * 3 + ROW_BYTES,
  batchItems: BATCH_ITEMS,
  batchBytes: BATCH_BYTES,
  queueItems: QUEUE_ITEMS,
  queueBytes: QUEUE_BYTES,
  waitMs: QUEUE_WAIT_MS,
});

/** Stores a message, or finds it stored. @throws Refusal `not_found`, `conflict`, `unavailable` or `unknown` */
export async function write(draft: Draft): Promise<Stored> {
  const outcome = await writer.submit(draft);
  if (outcome instanceof Refusal) throw outcome;
  return outcome;
}

/** Refuses what comes from now on; resolves once every accepted message has its answer. */
export const closeWriter = () => writer.close();

async function commitBatch(drafts: Draft[]): Promise<Outcome[]> {
  batchSize.observe(drafts.length);
  const outcomes = await commit(drafts);
  // All of it at once, although it is told a few at a time.
  changed(storedOf(outcomes).flatMap(({ message }) => topicsOf(message)));
  return outcomes;
}

const topicsOf = (message: Message) => [
  conversationTopic(message.conversationId),
  ...membersOf(message).map(viewOf),
];

function storedOf(outcomes: Outcome[]): Stored[] {
  return outcomes.filter((outcome): outcome is Stored => !(outcome instanceof Refusal));
}

/** What is committed stays acknowledged, whatever becomes of the news. */
function announceSafely(outcomes: Outcome[]): void {
  try {
    const stored = storedOf(outcomes);
    messagesSent.inc(stored.filter(({ isNew }) => isNew).length);
    // Repeats as well: whoever asks again may have missed the news the first time.
    announce(stored.map(({ message }) => message));
  } catch (error) {
    log.error({ error: String(error) }, "messages could not be announced");
  }
}

async function commit(drafts: Draft[], doubted = false): Promise<Outcome[]> {
  const since = performance.now();
  let inDoubt = doubted;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const outcomes = await db.shortTransaction((tx) => writeDrafts(tx, drafts));
      return inDoubt ? outcomes.map(asNew) : outcomes;
    } catch (error) {
      if (error instanceof CommitUnknown) {
        inDoubt = true;
        // It may be stored already, with nobody told.
        everythingChanged();
      }
      const isInTime = performance.now() - since < RETRY_MS;
      if (isDeadlock(error) && attempt <= DEADLOCK_RETRIES && isInTime) continue;
      if (!isPassing(error)) return isolate(drafts, inDoubt, error);
      if (!isInTime) return refuseAll(drafts, inDoubt, error);
      await pause();
    }
  }
}

/** What is found after a commit in doubt was stored by it, and nobody was told yet. */
function asNew(outcome: Outcome): Outcome {
  return outcome instanceof Refusal ? outcome : { ...outcome, isNew: true };
}

/** True for what may be over in a moment and says nothing about the messages themselves. */
function isPassing(error: unknown): boolean {
  return isUnavailable(error) || isDeadlock(error) || isReadOnly(error) || error instanceof CommitUnknown;
}

/** A row that cannot be written fails alone: halve until it stands by itself. */
async function isolate(drafts: Draft[], inDoubt: boolean, error: unknown): Promise<Outcome[]> {
  if (drafts.length === 1) return refuseAll(drafts, inDoubt, error);
  const middle = Math.ceil(drafts.length / 2);
  return [
    ...(await commit(drafts.slice(0, middle), inDoubt)),
    ...(await commit(drafts.slice(middle), inDoubt)),
  ];
}

function refuseAll(drafts: Draft[], inDoubt: boolean, error: unknown): Outcome[] {
  log.error({ reason: String(error), messages: drafts.length, inDoubt }, "messages could not be stored");
  const refusal = inDoubt
    ? new Refusal("unknown", "chat.error.unknown", {}, error)
    : new Refusal("unavailable", "chat.error.unavailable", {}, error);
  return drafts.map(() => refusal);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS * (0.5 + Math.random())));
}
