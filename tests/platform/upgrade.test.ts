import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { connect, signUp } from "../support/person.ts";

/** A database that an earlier Causerie left: what it holds is as true after the migrations as before. */

const causerie = await startCauserie();

test("conversations with accounts that were deleted before stay closed, and what was unread stays unread", async () => {
  const [, leaver, friend] = [await signUp(causerie), await signUp(causerie), await signUp(causerie)];
  const other = await signUp(causerie);
  await leaver.post(`/chat/${friend.id}/messages`, { message: "from the leaver" });
  await other.post(`/chat/${friend.id}/messages`, { message: "one" });
  await other.post(`/chat/${friend.id}/messages`, { message: "two" });
  await leaver.post("/account/deletion", { password: leaver.password });
  await causerie.stop();
  await causerie.rows("ALTER TABLE conversations DROP COLUMN ended_at");
  await causerie.rows(
    `ALTER TABLE memberships DROP KEY memberships_unread, DROP COLUMN has_unread,
       ADD KEY memberships_unread (user_id, unread_count)`,
  );
  await causerie.rows("DELETE FROM schema_migrations WHERE name = '040_light_writes.sql'");

  const upgraded = await causerie.another();
  assert.match(upgraded.output(), /040_light_writes/);
  const device = await connect(upgraded, friend);
  const refused = await device.send(leaver.id, "are you there?");
  assert.deepEqual([refused.ok, refused.error?.code], [false, "forbidden"]);
  const { unreadConversations } = await device.ask("getConversations", {});
  assert.equal(unreadConversations, 2);
  const { message } = await device.send(other.id, "three");
  assert.equal(message?.seq, 3);
});
