import type { Server } from "node:http";
import { isTrustedPeer, networkOfAddress } from "./addresses.ts";
import { config } from "./config.ts";

/**
 * Holds each network to so many open connections to this process, whatever they are for: slow requests cost the
 * visitor nothing. Proxies of ours are not counted, they bring everybody.
 */
export function limitConnections(server: Server): void {
  const { perAddress } = config.connectionLimits;
  if (perAddress === null) return;
  const open = new Map<string, number>();
  server.on("connection", (socket) => {
    const address = socket.remoteAddress ?? "";
    if (isTrustedPeer(address)) return;
    const network = networkOfAddress(address);
    const count = (open.get(network) ?? 0) + 1;
    if (count > perAddress) {
      socket.destroy();
      return;
    }
    open.set(network, count);
    socket.once("close", () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left === 0) open.delete(network);
      else open.set(network, left);
    });
  });
}
