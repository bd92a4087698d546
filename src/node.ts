import cluster from "node:cluster";
import { createServer, type Server } from "node:http";
import { createApp } from "./app.ts";
import { registrationNote } from "./auth/registration.ts";
import { closeReceipts } from "./messages/receipts.ts";
import { closeWriter, onCommitted } from "./messages/writer.ts";
import type { Manifest } from "./platform/build.ts";
import type { Config } from "./platform/config.ts";
import { limitConnections } from "./platform/connections.ts";
import { closeDatabase, openDatabase } from "./platform/db.ts";
import { withDeadline } from "./platform/deadline.ts";
import { requestsFinished, startDraining } from "./platform/draining.ts";
import { keep } from "./platform/kept.ts";
import { log } from "./platform/log.ts";
import { closeRedis, openRedis, redis } from "./platform/redis.ts";
import { sessions } from "./platform/session.ts";
import { StartError } from "./platform/start-error.ts";
import { attendanceSettled, keepAttendance } from "./realtime/attendance.ts";
import { openBus } from "./realtime/bus.ts";
import { cutExpired } from "./realtime/expiry.ts";
import { askToRefresh, publishMessages } from "./realtime/publish.ts";
import { cutSlowReaders } from "./realtime/slow-readers.ts";
import { keepSocketCounts } from "./realtime/socket-counts.ts";
import { openSockets, recheckSockets } from "./realtime/sockets.ts";

/** Addresses of the stores, as the settings have them or as private servers turned out. */
export interface StoreUrls {
  database: string;
  redis: string;
}

/** One process that serves pages and sockets. */
export interface ChatNode {
  address: string;
  /** Stops accepting, finishes commits, sends clients elsewhere; done within 9 s, also while a store is frozen. */
  stop: () => Promise<void>;
}

/** Longer than a proxy keeps a connection it may use again (nginx: 60 s), so that it never meets a closed one. */
const KEEP_ALIVE_MS = 75_000;
/** How often slow requests are looked for. */
const SLOW_LOOK_MS = 1000;
const ANSWERS_BYTES = 32 << 20;
/** Connections that wait for a busy process: after a restart everybody comes at once. The system may allow fewer. */
const BACKLOG = 16_384;
const REQUESTS_MS = 2000;
const DRAIN_MS = 3000;
const GOODBYE_MS = 1000;

/** Opens the stores and serves. @throws StartError when the port cannot be had */
export async function startNode(config: Config, urls: StoreUrls, manifest: Manifest): Promise<ChatNode> {
  openDatabase(urls.database, config.databasePool);
  await openRedis(urls.redis);
  // With private stores and one process there is nobody else to tell.
  const isAlone = config.redisUrl === null && config.webConcurrency === 1;
  const bus = isAlone ? null : await openBus(urls.redis);
  // With others beside it, a change made there is not known here soon enough.
  const isOnlyWriter = isAlone && config.databaseUrl === null;
  const wantedBytes = config.answersBytes ?? (isOnlyWriter ? ANSWERS_BYTES : 0);
  keep(config.webConcurrency === 1 ? wantedBytes : 0);
  onCommitted(publishMessages);
  const sessionHandler = sessions();
  const app = await createApp(manifest, sessionHandler);
  const { headersMs, requestMs } = config.connectionLimits;
  const server = createServer(
    {
      ...{ headersTimeout: headersMs, requestTimeout: requestMs, keepAliveTimeout: KEEP_ALIVE_MS },
      connectionsCheckingInterval: SLOW_LOOK_MS,
    },
    app,
  );
  limitConnections(server);
  const io = openSockets(server, sessionHandler, bus?.adapter);
  bus?.onReturn(askToRefresh);
  const timers = [
    ...[keepAttendance(), recheckSockets(io, redis, bus), cutExpired(io)],
    ...[cutSlowReaders(io), keepSocketCounts()],
  ];
  const stop = async () => {
    startDraining();
    for (const stopTimer of timers) stopTimer();
    // First this turn of the event loop takes the connections that are waiting: one that is not taken is reset, with the
    // form that it brings.
    await new Promise(setImmediate);
    server.close();
    // Forms that came in time are still stored: whoever sent one would see an error page. A socket tries again.
    await inTime(requestsFinished(), REQUESTS_MS, "requests under way");
    await inTime(Promise.all([closeWriter(), closeReceipts()]), DRAIN_MS, "commits under way");
    // The last acknowledgements leave at the end of this turn of the event loop.
    await new Promise(setImmediate);
    await inTime(Promise.resolve(io.close()), GOODBYE_MS, "sockets");
    server.closeAllConnections();
    await inTime(attendanceSettled(), GOODBYE_MS, "presence");
    bus?.close();
    closeRedis();
    await inTime(closeDatabase(), GOODBYE_MS, "the database");
  };
  try {
    const address = await listen(server, config);
    if (!cluster.worker || cluster.worker.id === 1) await sayWhoMayRegister(address);
    return { address, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** For the operator, who may not know that whoever comes first is the administrator. */
async function sayWhoMayRegister(address: string): Promise<void> {
  await registrationNote(address).then(
    (note) => log.info(note),
    (error) => log.warn({ reason: String(error) }, "who may register is not known"),
  );
}

/** A stop goes on even if a store is frozen. */
async function inTime(work: Promise<unknown>, ms: number, what: string): Promise<void> {
  await withDeadline(work, ms, what).catch((error) => log.warn({ reason: String(error) }, "while stopping"));
}

async function listen(server: Server, { host, port, publicOrigin }: Config): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(portError(error, host, port)));
    server.listen({ port, host, backlog: BACKLOG }, resolve);
  });
  const address = server.address();
  const bound = typeof address === "object" && address ? address.port : port;
  const name = host === "127.0.0.1" || host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return publicOrigin ?? `http://${name}:${bound}`;
}

function portError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === "EADDRINUSE") {
    return new StartError(`Port ${port} is in use: stop what uses it, or set PORT to another one.`);
  }
  if (error.code === "EACCES")
    return new StartError(`Port ${port} needs more rights: set PORT to one above 1023.`);
  return new StartError(
    `Cannot listen on ${host}:${port} (${error.code}): set HOST to an address of this machine.`,
  );
}
