import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { openWindow, type Visitor } from "./browser.ts";
import type { Causerie } from "./causerie.ts";
import { openLine } from "./network.ts";
import type { Person } from "./person.ts";

/** A browser of somebody who is signed in, with everything that reaches it counted. */
export interface Reader extends Omit<Visitor, "name"> {
  /** Where the site is for this browser. */
  origin: string;
  /** Bytes that came from the server so far: head, body and socket, as they travelled. */
  received: () => number;
  /** The same of answers over HTTP alone, by their address. */
  answers: Map<string, number>;
  /** Addresses that were asked for at other hosts. */
  elsewhere: string[];
}

/** Opens a browser that has nothing of the site but the cookies of `person`. */
export async function openReader(
  browser: Browser,
  causerie: Pick<Causerie, "url">,
  person: Pick<Person, "cookie">,
  options: BrowserContextOptions = {},
): Promise<Reader> {
  const { hostname: host, port } = new URL(causerie.url);
  const line = await openLine({ host, port: Number(port) });
  const origin = `http://127.0.0.1:${line.port}`;
  const window = await openWindow(browser, options);
  const cookies = person.cookie.split("; ").map((pair) => pair.split("="));
  await window.context.addCookies(cookies.map(([name = "", value = ""]) => ({ name, value, url: origin })));
  const elsewhere: string[] = [];
  const see = (url: string) => new URL(url).host !== new URL(origin).host && elsewhere.push(url);
  window.page.on("request", (request) => see(request.url()));
  window.page.on("websocket", (socket) => see(socket.url()));
  return { ...window, origin, elsewhere, received: line.received, answers: await countAnswers(window.page) };
}

async function countAnswers(page: Page): Promise<Map<string, number>> {
  const answers = new Map<string, number>();
  const urls = new Map<string, string>();
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  session.on("Network.responseReceived", ({ requestId, response }) => urls.set(requestId, response.url));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const path = new URL(urls.get(requestId) ?? "about:blank").pathname;
    answers.set(path, (answers.get(path) ?? 0) + encodedDataLength);
  });
  return answers;
}
