import cluster from "node:cluster";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import mysql from "mysql2";
import { Server } from "socket.io";
import { GroupCommit } from "../../src/platform/group-commit.ts";
import { connectRedis } from "../../src/platform/redis.ts";

/**
 * The limit of sending: a bare Socket.IO relay that stores with one group-committed multi-row INSERT before it
 * acknowledges. No account, membership, number, receipt or HTML. `PROCESSES=2` joins two by the Redis adapter.
 */

interface Send {
  receiverId: number;
  message: string;
  clientId: string;
}

type Row = [senderId: number, receiverId: number, message: string, createdAt: Date];

const { DATABASE_URL = "", REDIS_URL = "", PORT = "0", PROCESSES = "1" } = process.env;
const processes = Number(PROCESSES);

const COMMIT = {
  ...{ batchItems: 256, batchBytes: 1 << 20, queueItems: 50_000, queueBytes: 64 << 20, waitMs: 10_000 },
  sizeOf: () => 100,
};

async function serve(): Promise<void> {
  const pool = mysql.createPool({ uri: DATABASE_URL, connectionLimit: 2, timezone: "Z" });
  const writer = new GroupCommit<Row, number>({
    ...COMMIT,
    commit: (rows) =>
      new Promise((resolve, reject) => {
        const sql = "INSERT INTO relay (sender_id, receiver_id, message, created_at) VALUES ?";
        pool.query<mysql.ResultSetHeader>(sql, [rows], (error, result) => {
          if (error) reject(error);
          else resolve(rows.map((_row, index) => result.insertId + index));
        });
      }),
  });
  const http = createServer();
  const io = new Server(http, { transports: ["websocket"], serveClient: false, perMessageDeflate: false });
  if (processes > 1) {
    const [publisher, subscriber] = await Promise.all([connectRedis(REDIS_URL), connectRedis(REDIS_URL)]);
    io.adapter(createAdapter(publisher, subscriber, { key: "relay" }));
  }
  io.on("connection", (socket) => {
    const senderId = Number(socket.handshake.auth.userId);
    socket.join(`user:${senderId}`);
    socket.on("sendMessage", async ({ receiverId, message, clientId }: Send, done) => {
      const createdAt = new Date();
      const id = await writer.submit([senderId, receiverId, message, createdAt]);
      const stored = { id, clientId, senderId, receiverId, message, timestamp: createdAt.toISOString() };
      done({ ok: true, message: stored });
      io.to(`user:${receiverId}`).emit("receiveMessage", stored);
    });
  });
  http.listen(Number(PORT), "127.0.0.1", () => {
    const address = http.address();
    const port = typeof address === "object" && address ? address.port : PORT;
    process.send?.({ address: `http://127.0.0.1:${port}` });
  });
}

/** Tells the first worker's address on, once all of them serve. */
function lead(): void {
  let serving = 0;
  for (let index = 0; index < processes; index += 1) {
    cluster.fork().on("message", (report) => {
      serving += 1;
      if (serving === processes) process.send?.(report);
    });
  }
  process.on("SIGTERM", () => process.exit());
}

if (processes > 1 && cluster.isPrimary) lead();
else await serve();
