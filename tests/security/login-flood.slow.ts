import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { postForm } from "../support/forms.ts";
import { connect, newName, signUp } from "../support/person.ts";

const FLOOD_MS = 15_000;
const ATTACKERS = 20;
const PAUSE_MS = 20;
const causerie = await startCauserie({
  BCRYPT_COST: "12",
  LIMIT_LOGIN_PER_ADDRESS: "off",
  LIMIT_SEND_PER_USER: "off",
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("while logins come in a flood others' messages go on, each stored and acknowledged", {
  timeout: 120_000,
}, async () => {
  const [one, other] = [await signUp(causerie), await signUp(causerie)];
  const [tab, otherTab] = [await connect(causerie, one), await connect(causerie, other)];
  const end = performance.now() + FLOOD_MS;
  const statuses = new Map<number, number>();
  const attack = async () => {
    while (performance.now() < end) {
      const { status } = await postForm(causerie, "/login", { username: newName(), password: newName() });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const times: number[] = [];
  const talk = async () => {
    while (performance.now() < end) {
      const start = performance.now();
      assert.equal((await tab.send(other.id, `message ${times.length}`)).ok, true);
      times.push(performance.now() - start);
      await pause(PAUSE_MS);
    }
  };
  await Promise.all([talk(), ...Array.from({ length: ATTACKERS }, attack)]);
  await otherTab.until("receiveMessage", ({ message }) => message === `message ${times.length - 1}`);

  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(1);
  const answers = [...statuses].map(([status, count]) => `${status} ${count}`).join(", ");
  console.log(
    `login flood of ${FLOOD_MS / 1000} s by ${ATTACKERS}: answers ${answers}; ${times.length} messages acknowledged, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
  );
  assert.ok(
    [...statuses.keys()].every((status) => [401, 429, 503].includes(status)),
    answers,
  );
  const [stored] = await causerie.rows<{ n: number }>("SELECT COUNT(*) AS n FROM messages");
  assert.equal(stored?.n, times.length);
});
