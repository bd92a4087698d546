import { setTimeout as sleep } from "node:timers/promises";
import { withDeadline } from "../../src/platform/deadline.ts";

/** Looks into a Node process through its inspector, which a signal opens. */

const FIRST_PORT = 9229;
const TARGETS_URL = `http://127.0.0.1:${FIRST_PORT}/json`;
const OPEN_MS = 3000;
const LEAVE_MS = 300;
const ANSWER_MS = 20_000;

/** Has a process collect its garbage and tells the bytes that are in use after it: heap, and buffers outside it. */
export async function collectGarbage(pid: number): Promise<number> {
  process.kill(pid, "SIGUSR1");
  const socket = await attach();
  const call = caller(socket);
  await call("HeapProfiler.enable");
  await call("HeapProfiler.collectGarbage");
  await call("HeapProfiler.collectGarbage");
  const expression = "(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())";
  const { result } = await call<{ result: { value: number } }>("Runtime.evaluate", { expression });
  // Closed again, so that the next process that is asked finds the port free; but after we have gone, since closing it
  // under somebody who is attached has ended the whole process.
  await call("Runtime.evaluate", { expression: `setTimeout(() => process._debugEnd?.(), ${LEAVE_MS})` });
  socket.close();
  await closed();
  return result.value;
}

/** Resolves once nobody listens any more; or else the next to be asked would be this one. */
async function closed(): Promise<void> {
  const end = performance.now() + OPEN_MS;
  while (await fetch(TARGETS_URL).then(Boolean, () => false)) {
    if (performance.now() > end) throw new Error(`port ${FIRST_PORT} stays open`);
    await sleep(20);
  }
}

async function attach(): Promise<WebSocket> {
  const end = performance.now() + OPEN_MS;
  for (;;) {
    try {
      const answer = await fetch(TARGETS_URL);
      const socket = new WebSocket(addressIn(await answer.json()));
      await new Promise((resolve, reject) => {
        socket.addEventListener("open", resolve, { once: true });
        socket.addEventListener("error", reject, { once: true });
      });
      return socket;
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(50);
    }
  }
}

function addressIn(targets: unknown): string {
  const [{ webSocketDebuggerUrl = "" } = {}]: { webSocketDebuggerUrl?: string }[] = Array.isArray(targets)
    ? targets
    : [];
  return webSocketDebuggerUrl;
}

function caller(socket: WebSocket) {
  let last = 0;
  return <Result = object>(method: string, params: object = {}): Promise<Result> => {
    last += 1;
    const id = last;
    const answer = new Promise<Result>((resolve) => {
      const listen = (event: MessageEvent) => {
        const reply: { id?: number; result: Result } = JSON.parse(String(event.data));
        if (reply.id !== id) return;
        socket.removeEventListener("message", listen);
        resolve(reply.result);
      };
      socket.addEventListener("message", listen);
      socket.send(JSON.stringify({ id, method, params }));
    });
    return withDeadline(answer, ANSWER_MS, "the inspector");
  };
}
