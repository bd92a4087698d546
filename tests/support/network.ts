import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { after } from "node:test";

/** A port that nobody uses at the moment of asking. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, "close");
  return port;
}

/** A line to a server that can be cut and mended, with the port at this end. */
export interface Line {
  port: number;
  /** Ends every connection and refuses new ones. */
  cut: () => Promise<void>;
  mend: () => Promise<void>;
  /** Bytes that came from the server so far. */
  received: () => number;
}

/** Forwards a port of its own to a server's Unix socket or to its host and port. */
export async function openLine(target: { path: string } | { host: string; port: number }): Promise<Line> {
  const ends = new Set<Socket>();
  let received = 0;
  const server = createServer((near) => {
    const far = connect(target);
    far.on("data", (data) => {
      received += data.length;
    });
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(end);
      end
        .on("error", () => undefined)
        .on("close", () => {
          ends.delete(end);
          other.destroy();
        });
      end.pipe(other);
    }
  });
  const port = await listen(server);
  const cut = async () => {
    if (!server.listening) return;
    server.close();
    for (const end of ends) end.destroy();
    await once(server, "close");
  };
  after(cut);
  return { port, cut, mend: async () => void (await listen(server, port)), received: () => received };
}

async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
