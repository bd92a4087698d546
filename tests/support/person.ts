import { randomBytes, randomUUID } from "node:crypto";
import { after } from "node:test";
import { io, type Socket } from "socket.io-client";
import type { Causerie } from "./causerie.ts";
import { cookiesOf } from "./cookies.ts";

export { cookiesOf } from "./cookies.ts";

/** Somebody with an account and a browser's cookie, talking plain HTTP as pages without scripts do. */
export interface Person {
  id: number;
  name: string;
  password: string;
  cookie: string;
  get: (path: string, headers?: Record<string, string>) => Promise<Response>;
  /** A form's post, from the site's own pages. */
  post: (path: string, fields: Record<string, string>, headers?: Record<string, string>) => Promise<Response>;
  json: (path: string) => Promise<unknown>;
}

/** A name nobody has yet. */
export const newName = (prefix = "u") => `${prefix}${randomBytes(5).toString("hex")}`;

/** What a browser sends with every request to a site it got `cookie` from. */
export function request(
  causerie: Causerie,
  cookie: string,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const headers = {
    origin: causerie.url,
    accept: "text/html",
    ...(cookie ? { cookie } : {}),
    ...init.headers,
  };
  return fetch(causerie.url + path, { redirect: "manual", ...init, headers });
}

/** What somebody's password is, unless a test says otherwise. */
export const passwordOf = (name: string) => `password of ${name}`;

/** Registers somebody new. */
export async function signUp(
  causerie: Causerie,
  name = newName(),
  password = passwordOf(name),
): Promise<Person> {
  const body = new URLSearchParams({ username: name, password });
  const response = await request(causerie, "", "/register", { method: "POST", body });
  if (response.status !== 303)
    throw new Error(`registering answered ${response.status}: ${await response.text()}`);
  return person(causerie, name, password, cookiesOf(response));
}

/** The same person on another device. */
export async function logIn(
  causerie: Causerie,
  { name, password }: Pick<Person, "name" | "password">,
): Promise<Person> {
  const body = new URLSearchParams({ username: name, password });
  const response = await request(causerie, "", "/login", { method: "POST", body });
  if (response.status !== 303) throw new Error(`logging in answered ${response.status}`);
  return person(causerie, name, password, cookiesOf(response));
}

async function person(causerie: Causerie, name: string, password: string, cookie: string): Promise<Person> {
  const home = await (await request(causerie, cookie, "/settings")).text();
  const id = Number(/<body[^>]* data-user-id="(\d+)"/.exec(home)?.[1]);
  return {
    ...{ id, name, password, cookie },
    get: (path, headers = {}) => request(causerie, cookie, path, { headers }),
    post: (path, fields, headers = {}) =>
      request(causerie, cookie, path, { method: "POST", body: new URLSearchParams(fields), headers }),
    json: async (path) =>
      (await request(causerie, cookie, path, { headers: { accept: "application/json" } })).json(),
  };
}

export interface Answer {
  ok: boolean;
  error?: { code: string; message: string; retryAfterS?: number };
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every event
  [field: string]: any;
}

/** A device's socket that remembers all news it got. */
export interface Device {
  socket: Socket;
  /** Asks and waits for the acknowledgement. */
  ask: (event: string, ...values: unknown[]) => Promise<Answer>;
  /** News of one kind so far. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into news of every kind
  news: (event: string) => any[];
  /** The first news of a kind, past or future, that fits; fails after 5 s. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into news of every kind
  until: (event: string, fits?: (news: any) => boolean, ms?: number) => Promise<any>;
  send: (receiverId: number, message: string, clientId?: string) => Promise<Answer>;
}

const WAIT_MS = 5000;

/** Connects a socket as a page of the site does, `pageId` being that page's. Rejects when the server refuses it. */
export async function connect(
  causerie: Causerie,
  { cookie }: Pick<Person, "cookie">,
  auth: { pageId?: string } = {},
): Promise<Device> {
  const socket = io(causerie.url, {
    ...{ transports: ["websocket"], forceNew: true, reconnection: false },
    extraHeaders: { cookie, origin: causerie.url },
    auth,
  });
  after(() => void socket.disconnect());
  const heard: { event: string; news: unknown }[] = [];
  socket.onAny((event, news) => heard.push({ event, news }));
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  const ask: Device["ask"] = (event, ...values) => socket.timeout(WAIT_MS).emitWithAck(event, ...values);
  const news: Device["news"] = (event) =>
    heard.filter((each) => each.event === event).map((each) => each.news);
  return {
    ...{ socket, ask, news },
    until: (event, fits = () => true, ms = WAIT_MS) => firstNews(socket, event, fits, () => news(event), ms),
    send: (receiverId, message, clientId = randomUUID()) =>
      ask("sendMessage", { receiverId, message, clientId }),
  };
}

function firstNews<T>(
  socket: Socket,
  event: string,
  fits: (news: T) => boolean,
  past: () => T[],
  ms: number,
): Promise<T> {
  const found = past().find(fits);
  if (found !== undefined) return Promise.resolve(found);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.off(event, look);
      reject(new Error(`no fitting ${event} within ${ms} ms; heard: ${JSON.stringify(past())}`));
    }, ms);
    const look = (news: T) => {
      if (!fits(news)) return;
      clearTimeout(timer);
      socket.off(event, look);
      resolve(news);
    };
    socket.on(event, look);
  });
}

/** Waits until a condition holds, asking again and again; fails with `what` after `ms`. */
export async function eventually(
  condition: () => Promise<boolean> | boolean,
  what: string,
  ms = WAIT_MS,
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
