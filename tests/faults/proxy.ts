import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy between clients and nodes that can do to connections what networks do. */
export interface Line {
  port: number;
  /** Ends every connection at once. */
  cut: () => void;
  /** Holds every byte back in both directions while connections stay open: half-open lines. */
  hold: () => void;
  /** Lets requests through but no answers: acknowledgements are lost once connections are cut. */
  swallowAnswers: () => void;
  /** Delays every byte by `ms`. */
  delay: (ms: number) => void;
  /** Back to a plain line; what was held goes on. */
  heal: () => void;
  close: () => Promise<void>;
}

type Mode = "pass" | "hold" | "swallow";

/** @param upstreams ports of nodes that may be tried, in order; asked anew for each connection */
export async function startProxy(upstreams: () => number[]): Promise<Line> {
  let mode: Mode = "pass";
  let delayMs = 0;
  const pairs = new Set<[Socket, Socket]>();
  const held: (() => void)[] = [];

  const forward = (from: Socket, to: Socket, isAnswer: boolean) => {
    from.on("data", (data) => {
      const write = () => void (to.writable && to.write(data));
      if (mode === "hold" || (mode === "swallow" && isAnswer)) held.push(write);
      else if (delayMs > 0) setTimeout(write, delayMs);
      else write();
    });
  };
  const join = (client: Socket, node: Socket) => {
    const pair: [Socket, Socket] = [client, node];
    pairs.add(pair);
    forward(client, node, false);
    forward(node, client, true);
    for (const socket of pair) {
      socket.on("error", () => undefined);
      socket.on("close", () => {
        pairs.delete(pair);
        for (const each of pair) each.destroy();
      });
    }
  };
  const server = createServer((client) => {
    client.on("error", () => undefined);
    client.pause();
    reach(upstreams()).then(
      (node) => {
        join(client, node);
        client.resume();
      },
      () => client.destroy(),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    held.length = 0;
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  return {
    port,
    cut,
    hold: () => {
      mode = "hold";
    },
    swallowAnswers: () => {
      mode = "swallow";
    },
    delay: (ms) => {
      delayMs = ms;
    },
    heal: () => {
      mode = "pass";
      delayMs = 0;
      for (const write of held.splice(0)) write();
    },
    close: async () => {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

/** The first node that takes a connection. */
async function reach(ports: number[]): Promise<Socket> {
  for (const port of ports) {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    try {
      await once(socket, "connect");
      return socket;
    } catch {
      socket.destroy();
    }
  }
  throw new Error("no node takes connections");
}
