import assert from "node:assert/strict";
import { test } from "node:test";
import { startOnOwnStores } from "../operations/own-stores.ts";
import { connect, eventually, logIn, request, signUp } from "../support/person.ts";
import { openTestRedis, sessionKeyOf } from "../support/redis.ts";

/** What ends a session cuts its sockets as far as the store that is left can say, or the process by itself. */
const DAY_S = 86_400;
const IDLE_S = 4;
const ABSOLUTE_S = 8;
const RECHECK_MS = 30_000;
const stores = await startOnOwnStores();
const { causerie } = stores;
const { lines, settings } = await stores.openLines();
const { REDIS_URL = "", DATABASE_URL = "" } = settings;
const withoutRedis = await causerie.another({ REDIS_URL });
const withoutDatabase = await causerie.another({ DATABASE_URL });
const soonTooOld = await causerie.another({
  REDIS_URL,
  SESSION_ABSOLUTE_DAYS: String(ABSOLUTE_S / DAY_S),
});
const soonIdle = await causerie.another({ REDIS_URL, SESSION_IDLE_DAYS: String(IDLE_S / DAY_S) });
const redis = await openTestRedis(causerie);

test("while Redis is away a session that is too old or unused for too long still loses its sockets", async () => {
  const begun = performance.now();
  const [old, idle] = [await signUp(soonTooOld), await signUp(soonIdle)];
  const since = performance.now();
  const [ageing, idling] = [await connect(soonTooOld, old), await connect(soonIdle, idle)];
  const lives: number[] = [];
  for (const [index, { socket }] of [ageing, idling].entries()) {
    socket.on("disconnect", () => (lives[index] = (performance.now() - since) / 1000));
  }
  // A socket asks for its session's end within half a second, and then knows it.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await lines.redis.cut();
  try {
    await eventually(() => lives.filter((life) => life !== undefined).length === 2, "both are cut", 15_000);
  } finally {
    await lines.redis.mend();
  }
  const [tooOld = 0, unused = 0] = lives;
  const beforeS = (since - begun) / 1000;
  assert.ok(tooOld + beforeS > ABSOLUTE_S - 0.2 && tooOld < ABSOLUTE_S + 1.5, `too old after ${tooOld} s`);
  assert.ok(unused > IDLE_S - 0.2 && unused < IDLE_S * 1.1 + 1.5, `unused for ${unused} s`);
});

test("each store alone cuts the sockets of what it says is over, while the other is away", async () => {
  const isReady = async () => (await request(withoutRedis, "", "/readyz")).status === 200;
  await eventually(isReady, "Redis is back from the test before");
  const [changed, ended] = [await signUp(causerie), await signUp(causerie)];
  const others = await logIn(causerie, ended);
  const lost = await connect(withoutRedis, changed);
  const kept = await connect(withoutRedis, ended);
  const revoked = await connect(withoutDatabase, ended);
  const standing = await connect(withoutDatabase, others);
  for (const device of [lost, kept, revoked, standing]) await device.ask("watchUsers", { userIds: [] });
  await lines.redis.cut();
  await lines.mariadb.cut();
  try {
    await causerie.rows("UPDATE users SET auth_version = auth_version + 1 WHERE id = ?", [changed.id]);
    await redis.del(sessionKeyOf(causerie, ended.cookie));
    const areCut = () => lost.socket.disconnected && revoked.socket.disconnected;
    await eventually(areCut, "both are cut", RECHECK_MS + 5000);
    assert.deepEqual([kept.socket.connected, standing.socket.connected], [true, true]);
  } finally {
    await lines.redis.mend();
    await lines.mariadb.mend();
  }
});
