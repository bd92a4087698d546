import dotenv from "dotenv";
import { type Config, configure } from "../platform/config.ts";
import { closeDatabase, openDatabase } from "../platform/db.ts";
import { startPrivateStores } from "../platform/embedded/embedded.ts";
import { migrate } from "../platform/migrate.ts";
import { StartError } from "../platform/start-error.ts";
import { fill } from "./fill.ts";
import { HOSTS } from "./people.ts";

/** `npm run demo`: fills a development database, so that everyone looks at a living page. */

/** Of everybody in the demo, which is why production has none. */
const PASSWORD = "demo-password";

async function main(signal: AbortSignal): Promise<void> {
  dotenv.config({ quiet: true });
  if (process.env.NODE_ENV === "production") {
    throw new StartError(
      "The demo's people share a password that everybody knows: not with NODE_ENV=production.",
    );
  }
  const config = configure(process.env);
  const stores = await openStores(config, signal);
  try {
    await migrate(stores.database);
    openDatabase(stores.database, config.databasePool);
    await report();
  } finally {
    await closeDatabase();
    await stores.stop();
  }
}

/** The database that the settings name, or the private one of our own. Redis is not needed. */
async function openStores({ databaseUrl, dataDir }: Config, signal: AbortSignal) {
  if (databaseUrl !== null) return { database: databaseUrl, stop: async () => undefined };
  const wanted = { mariadb: true, redis: false };
  const started = await startPrivateStores({ directory: dataDir, ...wanted, log: console.log, signal });
  const socket = encodeURIComponent(started.databaseSocket ?? "");
  return { database: `mysql://root@localhost/causerie?socketPath=${socket}`, stop: () => started.stop() };
}

async function report(): Promise<void> {
  const filled = await fill(PASSWORD, new Date());
  if (filled) {
    const { people, conversations, messages } = filled;
    console.log(`Filled with ${people} people, ${conversations} conversations and ${messages} messages.`);
  } else console.log("This database is already filled; nothing was changed.");
  console.log(`Log in as ${HOSTS.join(" or ")} with the password ${PASSWORD}`);
}

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => interrupted.abort(new StartError("Stopped; nothing was filled.")));
}
try {
  await main(interrupted.signal);
} catch (error) {
  console.error(error instanceof StartError ? error.message : error);
  process.exitCode = 1;
}
