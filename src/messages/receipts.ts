import type { Cursors } from "../conversations/conversations.queries.ts";
import { type Actor, begunConversation, type Target } from "../conversations/conversations.ts";
import { everythingChanged } from "../platform/changes.ts";
import { db, type Queryable } from "../platform/db.ts";
import { CommitUnknown } from "../platform/db-errors.ts";
import { notFound, Refusal } from "../platform/errors.ts";
import { GroupCommit } from "../platform/group-commit.ts";
import { publishReceipts } from "../realtime/publish.ts";
import { type CursorRow, countOthers, lockCursors, type Stretch, updateCursors } from "./receipts.queries.ts";

/** How far a device has a conversation, or how far its person has read it. */
export interface Receipt {
  target: Target;
  seq: number;
  kind: "delivered" | "read";
}

/** Where a member's cursors stand. */
export interface Standing extends Cursors {
  conversationId: number;
  userId: number;
  unread: number;
}

interface Move {
  conversationId: number;
  userId: number;
  seq: number;
  kind: Receipt["kind"];
}

const mover = new GroupCommit<Move, Standing | Refusal>({
  commit: moveCursors,
  sizeOf: () => 1,
  batchItems: 256,
  batchBytes: 256,
  queueItems: 5000,
  queueBytes: 5000,
  waitMs: 4000,
});

/**
 * Moves the actor's own cursor, forward only and never past what exists; read implies delivered. Tells both
 * people when something moved.
 *
 * @returns the cursors as they now stand; null where the conversation has not begun
 * @throws Refusal `not_found` for a stranger, `unavailable`
 */
export async function moveCursor(actor: Actor, receipt: Receipt): Promise<Standing | null> {
  const conversationId = await begunConversation(actor, receipt.target);
  if (conversationId === null) return null;
  const { seq, kind } = receipt;
  const outcome = await mover.submit({ conversationId, userId: actor.userId, seq, kind });
  if (outcome instanceof Refusal) throw outcome;
  return outcome;
}

/** Refuses what comes from now on; resolves once every accepted receipt has its answer. */
export const closeReceipts = () => mover.close();

async function moveCursors(moves: Move[]): Promise<(Standing | Refusal)[]> {
  try {
    const { rows, moved } = await db.transaction((tx) => moveIn(tx, moves));
    for (const row of moved) publishReceipts(standingOf(row), row.memberIds);
    return moves.map((move) => {
      const row = rows.get(keyOf(move));
      return row ? standingOf(row) : notFound();
    });
  } catch (error) {
    // They may have moved, with nobody told.
    if (error instanceof CommitUnknown) everythingChanged();
    throw error;
  }
}

/** A member's row as it stood, and as it stands after the moves. */
interface Moved {
  old: CursorRow;
  row: CursorRow;
}

async function moveIn(tx: Queryable, moves: Move[]) {
  const pairs = (await lockCursors(tx, moves)).map((old): Moved => ({ old, row: { ...old } }));
  const rows = new Map(pairs.map(({ row }) => [keyOf(row), row]));
  for (const move of moves) advance(rows.get(keyOf(move)), move);
  const moved = pairs.filter(hasMoved);
  if (moved.length > 0) {
    await recount(
      tx,
      moved.filter(({ old, row }) => row.readSeq !== old.readSeq),
    );
    await updateCursors(
      tx,
      moved.map(({ row }) => row),
    );
  }
  return { rows, moved: moved.map(({ row }) => row) };
}

const keyOf = (member: { conversationId: number; userId: number }) =>
  `${member.conversationId}:${member.userId}`;

function advance(row: CursorRow | undefined, move: Move): void {
  if (!row) return;
  const seq = Math.min(move.seq, row.lastSeq);
  row.deliveredSeq = Math.max(row.deliveredSeq, seq);
  if (move.kind === "read") row.readSeq = Math.max(row.readSeq, seq);
}

function hasMoved({ old, row }: Moved): boolean {
  return row.readSeq !== old.readSeq || row.deliveredSeq !== old.deliveredSeq;
}

/**
 * Sets what is unread by counting on the shorter side of the cursor: what was read just now, or what is left. Reading
 * on through a long backlog then costs what is read, not what is left; and whoever has read all is counted anew.
 */
async function recount(tx: Queryable, read: Moved[]): Promise<void> {
  const others = await countOthers(tx, read.map(shorterSide));
  for (const { old, row } of read) {
    const counted = others.get(keyOf(row)) ?? 0;
    row.unreadCount = isReadShorter({ old, row }) ? Math.max(0, old.unreadCount - counted) : counted;
  }
}

function isReadShorter({ old, row }: Moved): boolean {
  return row.readSeq - old.readSeq < row.lastSeq - row.readSeq;
}

function shorterSide({ old, row }: Moved): Stretch {
  const { conversationId, userId, readSeq, lastSeq } = row;
  const [after, to] = isReadShorter({ old, row }) ? [old.readSeq, readSeq] : [readSeq, lastSeq];
  return { conversationId, userId, after, to };
}

function standingOf(row: CursorRow): Standing {
  const { conversationId, userId, deliveredSeq, readSeq, unreadCount } = row;
  return { conversationId, userId, deliveredSeq, readSeq, unread: unreadCount };
}
