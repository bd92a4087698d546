import { setTimeout as sleep } from "node:timers/promises";

/** Looks into a Node process through its inspector, which a signal opens. */

const FIRST_PORT = 9229;
const OPEN_MS = 3000;

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
  // Closed again, so that the next process that is asked finds the port free.
  await call("Runtime.evaluate", { expression: "setTimeout(() => process._debugEnd?.(), 0)" });
  socket.close();
  return result.value;
}

async function attach(): Promise<WebSocket> {
  const end = performance.now() + OPEN_MS;
  for (;;) {
    try {
      const answer = await fetch(`http://127.0.0.1:${FIRST_PORT}/json`);
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
    return new Promise((resolve) => {
      const listen = (event: MessageEvent) => {
        const reply: { id?: number; result: Result } = JSON.parse(String(event.data));
        if (reply.id !== id) return;
        socket.removeEventListener("message", listen);
        resolve(reply.result);
      };
      socket.addEventListener("message", listen);
      socket.send(JSON.stringify({ id, method, params }));
    });
  };
}
