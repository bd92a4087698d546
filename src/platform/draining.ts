import type { RequestHandler, Response } from "express";

/** A node on its way out: what it still takes, and what it finishes first. */
let draining = false;
const underWay = new Set<Response>();
let finished = (): void => undefined;

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
  underWay.add(response);
  response.on("close", () => {
    underWay.delete(response);
    if (underWay.size === 0) finished();
  });
  next();
};

/** Resolves once no request is under way. */
export function requestsFinished(): Promise<void> {
  return new Promise((resolve) => {
    finished = resolve;
    if (underWay.size === 0) resolve();
  });
}
