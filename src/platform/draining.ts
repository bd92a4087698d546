import { setTimeout as sleep } from "node:timers/promises";
import type { RequestHandler, Response } from "express";

/** A node on its way out: what it still takes, and what it finishes first. */
let draining = false;
const underWay = new Set<Response>();
let counted = 0;
let finished = (): void => undefined;
const QUIET_MS = 100;

/** From now on this node is not ready, takes nothing more over its sockets and keeps no connection for later. */
export function startDraining(): void {
  draining = true;
  for (const response of underWay) response.shouldKeepAlive = false;
}

/** Whether this node is on its way out. */
export const isDraining = (): boolean => draining;

/** Knows each request until its answer has left, or its visitor. */
export const countRequest: RequestHandler = (_request, response, next) => {
  if (draining) response.shouldKeepAlive = false;
  counted += 1;
  underWay.add(response);
  response.on("close", () => {
    underWay.delete(response);
    if (underWay.size === 0) finished();
  });
  next();
};

/**
 * Resolves once no request is under way and none has come for a moment: there may be connections that were taken
 * already and whose requests are still on their way.
 */
export async function requestsFinished(): Promise<void> {
  let before: number;
  do {
    before = counted;
    await noneUnderWay();
    await sleep(QUIET_MS);
  } while (underWay.size > 0 || counted > before);
}

function noneUnderWay(): Promise<void> {
  return new Promise((resolve) => {
    finished = resolve;
    if (underWay.size === 0) resolve();
  });
}
