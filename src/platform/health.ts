import type { RequestHandler } from "express";
import { db } from "./db.ts";
import { isDraining } from "./draining.ts";
import { log } from "./log.ts";
import { ask, redis } from "./redis.ts";

/** The process is alive; says nothing about its stores. */
export const alive: RequestHandler = (_request, response) => {
  response.type("text/plain").send("ok\n");
};

/** Whether this node can serve: MySQL and Redis answer and it is not being drained. */
export const ready: RequestHandler = async (_request, response) => {
  const [database, sessions] = await Promise.all([
    answers(db.execute("SELECT 1")),
    answers(ask(redis.ping())),
  ]);
  const draining = isDraining();
  const isReady = database && sessions && !draining;
  response.status(isReady ? 200 : 503).json({ ready: isReady, database, redis: sessions, draining });
};

async function answers(question: Promise<unknown>): Promise<boolean> {
  try {
    await question;
    return true;
  } catch (error) {
    log.debug({ reason: String(error) }, "not ready");
    return false;
  }
}
