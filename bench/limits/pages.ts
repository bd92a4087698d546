import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { RedisStore } from "connect-redis";
import express from "express";
import { ExpressHandlebars } from "express-handlebars";
import session from "express-session";
import mysql from "mysql2/promise";
import { connectRedis } from "../../src/platform/redis.ts";

/**
 * The limit of a page: Express, a session read from Redis, and an answer that is ready as a buffer; and, where
 * nothing is cached, one prepared SELECT and Handlebars of the same 50 messages.
 */

const {
  DATABASE_URL = "",
  REDIS_URL = "",
  REDIS_PREFIX = "",
  SESSION_SECRET = "",
  BUFFERS = "",
} = process.env;
const VIEWS = fileURLToPath(new URL("./views/", import.meta.url));
const PARTIALS = fileURLToPath(new URL("../../views/partials/", import.meta.url));

const pool = mysql.createPool({ uri: DATABASE_URL, timezone: "Z", connectionLimit: 10 });
const app = express().disable("x-powered-by").disable("etag");
// Handlebars refuses a partial whose helpers are missing, also where it would not call them.
const helpers = { t: (key: string) => key, eq: (a: unknown, b: unknown) => a === b };
const engine = new ExpressHandlebars({
  extname: ".hbs",
  defaultLayout: false,
  partialsDir: PARTIALS,
  helpers,
});
app.engine(".hbs", engine.engine).set("view engine", ".hbs").set("views", VIEWS).enable("view cache");
app.use(
  session({
    store: new RedisStore({
      client: await connectRedis(REDIS_URL),
      prefix: `${REDIS_PREFIX}session:`,
      disableTouch: true,
    }),
    ...{ name: "causerie", secret: SESSION_SECRET, resave: false, saveUninitialized: false },
  }),
);
app.use((request, response, next) => {
  if (request.session.userId === undefined) response.sendStatus(401);
  else next();
});

/** Answers of the app, kept in files by name. */
app.get("/buffer/:name", (request, response) => {
  const { name } = request.params;
  buffers[name] ??= readFileSync(`${BUFFERS}/${name}`);
  response.type("html").send(buffers[name]);
});
const buffers: Record<string, Buffer> = {};

app.get("/chat/:conversationId", async (request, response) => {
  const [rows] = await pool.execute<MessageRow[]>(
    `SELECT id, seq, rev, sender_id AS senderId, client_id AS clientId, message, created_at AS createdAt
     FROM messages WHERE conversation_id = ? ORDER BY seq DESC LIMIT 50`,
    [request.params.conversationId],
  );
  const messages = rows.reverse().map(({ createdAt, clientId, message, ...row }) => ({
    ...{ ...row, sender: "somebody", clientId: clientId.toString("hex"), timestamp: createdAt.toISOString() },
    ...{ html: message, time: createdAt.toISOString().slice(11, 16), fullTime: createdAt.toUTCString() },
  }));
  response.render("conversation", { messages });
});

interface MessageRow extends mysql.RowDataPacket {
  clientId: Buffer;
  createdAt: Date;
  message: string;
}

const server = app.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address) process.send?.({ address: `http://127.0.0.1:${address.port}` });
});
