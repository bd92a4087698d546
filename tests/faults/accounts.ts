import { cookiesOf } from "../support/cookies.ts";

/** Accounts by the app's own forms. */

export interface Account {
  userId: number;
  name: string;
  cookie: string;
}

const password = (name: string) => `password of ${name}`;

/** Registers, or logs in again: after FLUSHALL everybody has to. */
export async function enter(port: number, name: string, form: "register" | "login"): Promise<Account> {
  const origin = `http://127.0.0.1:${port}`;
  const response = await fetch(`${origin}/${form}`, {
    ...{ method: "POST", redirect: "manual", headers: { origin } },
    body: new URLSearchParams({ username: name, password: password(name) }),
  });
  if (response.status !== 303) throw new Error(`${form} answered ${response.status}`);
  const cookie = cookiesOf(response);
  const session = await fetch(`${origin}/session`, { headers: { cookie } });
  const { userId }: { userId: number } = JSON.parse(await session.text());
  return { userId, name, cookie };
}

export async function logOut(port: number, cookie: string): Promise<void> {
  const origin = `http://127.0.0.1:${port}`;
  const response = await fetch(`${origin}/logout`, {
    method: "POST",
    redirect: "manual",
    headers: { origin, cookie },
  });
  if (response.status !== 303) throw new Error(`logging out answered ${response.status}`);
}

/** The whole history as pages give it to a fresh client, oldest first. */
export async function readHistory(
  port: number,
  cookie: string,
  userId: number,
): Promise<{ seq: number; id: number; message: string }[]> {
  const found: { seq: number; id: number; message: string }[] = [];
  for (let address = `/chat/${userId}/messages`; ; ) {
    const response = await fetch(`http://127.0.0.1:${port}${address}`, {
      headers: { cookie, accept: "application/json" },
    });
    if (!response.ok) throw new Error(`${address} answered ${response.status}`);
    const page: { messages: { seq: number; id: number; message: string }[]; more: boolean } = JSON.parse(
      await response.text(),
    );
    found.unshift(...page.messages);
    if (!page.more) return found;
    address = `/chat/${userId}/messages?before=${page.messages[0]?.seq}`;
  }
}
