import { createServer } from "node:http";
import { Server } from "socket.io";

/** The limit of being connected: a bare Socket.IO server that knows nobody. */

const http = createServer();
new Server(http, { transports: ["websocket"], serveClient: false, perMessageDeflate: false });
http.listen({ port: 0, host: "127.0.0.1", backlog: 16_384 }, () => {
  const address = http.address();
  if (typeof address === "object" && address) process.send?.({ address: `http://127.0.0.1:${address.port}` });
});
