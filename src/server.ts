import { createServer, type Server } from "node:http";
import dotenv from "dotenv";
import { createApp } from "./app.ts";
import { drainReceipts } from "./messages/receipts.ts";
import { drainWriter, onCommitted } from "./messages/writer.ts";
import { buildAssets } from "./platform/build.ts";
import { type Config, configure } from "./platform/config.ts";
import { closeDatabase, openDatabase } from "./platform/db.ts";
import { withDeadline } from "./platform/deadline.ts";
import { startPrivateStores } from "./platform/embedded/embedded.ts";
import { startDraining } from "./platform/health.ts";
import { log, openLog } from "./platform/log.ts";
import { migrate } from "./platform/migrate.ts";
import { closeRedis, openRedis } from "./platform/redis.ts";
import { sessions } from "./platform/session.ts";
import { StartError } from "./platform/start-error.ts";
import { attendanceSettled, keepAttendance } from "./realtime/attendance.ts";
import { publishMessages } from "./realtime/publish.ts";
import { openSockets, recheckSockets } from "./realtime/sockets.ts";

/** Starts Causerie, and stops it in an orderly way when asked to. */

const STOP_MS = 25_000; // a private database may take 20 s to write everything down

const HEADERS_MS = 15_000;
const REQUEST_MS = 30_000;

type Stop = () => Promise<void>;

async function start(environment: NodeJS.ProcessEnv, stops: Stop[], signal: AbortSignal): Promise<string> {
  const config = configure(environment);
  openLog(config);
  const [manifest, urls] = await both(buildAssets(), stores(config, stops, signal));
  signal.throwIfAborted();
  await migrate(urls.database);
  openDatabase(urls.database, config.databasePool);
  stops.unshift(closeDatabase);
  await openRedis(urls.redis);
  stops.unshift(closeRedis);
  onCommitted(publishMessages);
  const sessionHandler = sessions();
  const server = createServer(
    { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS },
    await createApp(manifest, sessionHandler),
  );
  const io = openSockets(server, sessionHandler);
  const stopTimers = [keepAttendance(), recheckSockets(io)];
  stops.unshift(async () => {
    startDraining();
    for (const stopTimer of stopTimers) stopTimer();
    server.close();
    await drainWriter();
    await drainReceipts();
    await io.close();
    server.closeAllConnections();
    await attendanceSettled();
  });
  return listen(server, config);
}

/** Waits for both even if one fails, so that nothing starts after what failed was cleaned up. */
async function both<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second]);
  return Promise.all([first, second]);
}

/** The stores that the settings name, or private ones of our own. */
async function stores(
  config: Config,
  stops: Stop[],
  signal: AbortSignal,
): Promise<{ database: string; redis: string }> {
  const wanted = { mariadb: config.databaseUrl === null, redis: config.redisUrl === null };
  if (!wanted.mariadb && !wanted.redis)
    return { database: config.databaseUrl ?? "", redis: config.redisUrl ?? "" };
  const started = await startPrivateStores({
    directory: config.dataDir,
    ...wanted,
    signal,
    log: (line) => log.info(line),
  });
  stops.unshift(() => started.stop());
  const { databaseSocket = "", redisSocket = "" } = started;
  return {
    database:
      config.databaseUrl ??
      `mysql://root@localhost/causerie?socketPath=${encodeURIComponent(databaseSocket)}`,
    redis: config.redisUrl ?? `unix:${redisSocket}`,
  };
}

/** @throws StartError when the port cannot be had */
async function listen(server: Server, { host, port, publicOrigin }: Config): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(portError(error, host, port)));
    server.listen(port, host, resolve);
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

async function stopAll(stops: Stop[]): Promise<void> {
  for (const stop of stops)
    await stop().catch((error) => log.error({ error: String(error) }, "while stopping"));
}

async function main(): Promise<void> {
  dotenv.config({ quiet: true });
  const stops: Stop[] = [];
  const starting = new AbortController();
  const stop = once(async () => {
    log.info("stopping");
    starting.abort(new Error("stopped while starting"));
    await started;
    await withDeadline(stopAll(stops), STOP_MS, "an orderly stop").catch((error) => log.error(String(error)));
    process.exit(0);
  });
  process.on("SIGINT", stop).on("SIGTERM", stop);
  const started = start(process.env, stops, starting.signal).then(
    (address) => {
      log.info(`Causerie is running at ${address}`);
      process.send?.({ address });
    },
    async (error) => {
      if (!starting.signal.aborted) console.error(error instanceof StartError ? error.message : error);
      await stopAll(stops);
      process.exit(starting.signal.aborted ? 0 : 1);
    },
  );
  await started;
}

function once(work: () => Promise<void>): () => void {
  let done = false;
  return () => {
    if (!done) void work();
    done = true;
  };
}

await main();
