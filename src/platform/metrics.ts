import { timingSafeEqual } from "node:crypto";
import type { RequestHandler } from "express";
import { Counter, collectDefaultMetrics, Gauge, Histogram, register } from "prom-client";
import { config } from "./config.ts";
import { notFound } from "./errors.ts";

collectDefaultMetrics({ prefix: "causerie_" });

export const messagesSent = new Counter({ name: "causerie_messages_sent_total", help: "Messages committed" });
export const batchSize = new Histogram({
  name: "causerie_batch_messages",
  help: "Messages in one commit",
  buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
});
export const openSockets = new Gauge({ name: "causerie_sockets", help: "Sockets open on this node" });
const requests = new Histogram({
  name: "causerie_http_request_seconds",
  help: "Time to the end of each answer",
  labelNames: ["method", "status"],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
});

/** Times every request. */
export const measure: RequestHandler = (request, response, next) => {
  const stop = requests.startTimer({ method: request.method });
  response.on("finish", () => stop({ status: String(response.statusCode) }));
  next();
};

/** Prometheus text for whoever has the token; for everybody else there is nothing here. */
export const serveMetrics: RequestHandler = async (request, response) => {
  const token = /^Bearer (.+)$/.exec(request.get("Authorization") ?? "")?.[1];
  if (config.metricsToken === null || token === undefined || !isSame(token, config.metricsToken))
    throw notFound();
  response.type(register.contentType).send(await register.metrics());
};

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
