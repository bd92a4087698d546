import { after } from "node:test";
import { createClient } from "redis";
import type { Causerie } from "./causerie.ts";

/** A client on the Redis that a node under test uses, closed after the file's tests. */
export async function openTestRedis({ environment }: Pick<Causerie, "environment">) {
  const url = environment.REDIS_URL ?? "";
  const socket = { path: decodeURIComponent(URL.parse(url)?.pathname ?? ""), tls: false as const };
  const client = createClient(url.startsWith("unix:") ? { socket } : { url });
  // Stores of a file's own end before this does; a command that fails says so by itself.
  client.on("error", () => undefined);
  await client.connect();
  after(() => client.destroy());
  return client;
}

/** The Redis key of the session behind a browser's cookies. */
export function sessionKeyOf(causerie: Pick<Causerie, "redisPrefix">, cookie: string): string {
  return `${causerie.redisPrefix}session:${sessionIdOf(cookie)}`;
}

/** The session id in a browser's cookies; fails when there is none. */
export function sessionIdOf(cookie: string): string {
  const id = /causerie=s%3A([^.]+)\./.exec(cookie)?.[1];
  if (!id) throw new Error(`no session in ${cookie}`);
  return decodeURIComponent(id);
}
