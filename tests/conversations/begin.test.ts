import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findDirectIds, insertDirects } from "../../src/conversations/conversations.queries.ts";
import { configure } from "../../src/platform/config.ts";
import { closeDatabase, db, openDatabase } from "../../src/platform/db.ts";
import { startCauserie } from "../support/causerie.ts";
import { eventually } from "../support/person.ts";

/** Conversations that several processes begin at once, in the order in which that is hardest. */

const causerie = await startCauserie();
before(() => {
  configure(causerie.environment);
  openDatabase(causerie.environment.DATABASE_URL ?? "", 4);
});
after(closeDatabase);

const begin = (keys: string[]) => db.transaction((tx) => insertDirects(tx, keys));

/** InnoDB looks anew only for whoever has not asked within the last tenth of a second. */
const LOOK_MS = 120;

async function isWaiting(): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const [row] = await causerie.rows<{ waiting: number }>(
    "SELECT COUNT(*) AS waiting FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
  );
  return Number(row?.waiting) > 0;
}

test("a conversation is begun also where others before it in its batch were there, and others begin meanwhile", async () => {
  await begin(["1:3"]);
  let waiting: Promise<void> = Promise.resolve();
  await db.transaction(async (holder) => {
    await holder.execute("SELECT id FROM conversations WHERE direct_key = ? FOR UPDATE", ["1:3"]);
    waiting = begin(["1:2", "1:3", "1:5", "1:6"]);
    await eventually(isWaiting, "it waits for the one that is held");
    await begin(["1:5", "7:8"]);
  });
  await waiting;
  const all = ["1:2", "1:3", "1:5", "1:6", "7:8"];
  assert.deepEqual([...(await findDirectIds(all)).keys()].sort(), all);
});
