import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "../start-error.ts";
import { runCommand } from "./commands.ts";
import { socketFolder } from "./folders.ts";
import { firstWords } from "./probe.ts";
import { findProgram, plainEnvironment, type WantedProgram } from "./programs.ts";
import type { PrivateServer } from "./server.ts";

const VERSION_TIMEOUT_MS = 5_000;
const END_TIMEOUT_MS = 10_000;

/**
 * What Redis needs. The package redis-server would also set up a service for the whole machine;
 * redis-tools has the same program without it, under the name redis-check-rdb.
 */
export function redisPrograms(): WantedProgram[] {
  if (findProgram("redis-server")) return [];
  return [{ program: "redis-check-rdb", package: "redis-tools" }];
}

/** Where Redis's files are that tell whether it runs. */
export function redisPlaces(directory: string) {
  return {
    socket: join(socketFolder(directory), "redis.sock"),
    pidFile: join(directory, "run", "redis.pid"),
    endTimeoutMs: END_TIMEOUT_MS,
  };
}

/**
 * The private Redis server of a data folder; its program must be installed.
 * Throws StartError when there is none that works.
 */
export async function prepareRedis(directory: string): Promise<PrivateServer> {
  const places = redisPlaces(directory);
  const folder = join(directory, "redis");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    name: "Redis",
    program: findProgram("redis-server") ?? (await borrowProgram(directory)),
    args: serverArguments(places.socket),
    folder,
    logFile: join(directory, "redis.log"),
    ...places,
    isReady: answersPing,
  };
}

// While it still reads its file it answers -LOADING.
async function answersPing(socket: string, signal: AbortSignal): Promise<boolean> {
  const words = await firstWords(socket, signal, "PING\r\n");
  return words?.toString().startsWith("+PONG") ?? false;
}

// The program decides by the name it is called whether it serves or checks files.
async function borrowProgram(directory: string): Promise<string> {
  const link = join(directory, "run", "redis-server");
  rmSync(link, { force: true });
  symlinkSync(findProgram("redis-check-rdb") ?? "redis-check-rdb", link);
  const { output } = await runCommand(link, ["--version"], {
    env: plainEnvironment(),
    timeoutMs: VERSION_TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  if (output.startsWith("Redis server")) return link;
  throw new StartError("Redis is missing. Install it with: sudo apt-get install -y redis-server");
}

function serverArguments(socket: string): string[] {
  return [
    ["--port", "0"],
    ["--unixsocket", socket],
    ["--unixsocketperm", "700"],
    ["--dir", "."],
    ["--daemonize", "no"],
    ["--save", ""],
    // Sessions survive the loss of power but for the last second.
    ["--appendonly", "yes"],
    ["--appendfsync", "everysec"],
    // Better to refuse a session than to forget one.
    ["--maxmemory-policy", "noeviction"],
  ].flat();
}
