import { StartError } from "../../src/platform/start-error.ts";
import { ensureDataset, startDataStores } from "./datasets.ts";
import { SIZES } from "./sizes.ts";

/** `npm run bench:seed`: makes the datasets that are missing; `-- --small` (or middle, big) only that one. */

const asked = process.argv.slice(2).map((flag) => flag.replace(/^--/, ""));
const wanted = Object.values(SIZES).filter(({ name }) => asked.length === 0 || asked.includes(name));

async function main(): Promise<void> {
  if (wanted.length === 0) throw new StartError(`Sizes are: ${Object.keys(SIZES).join(", ")}.`);
  const stores = await startDataStores();
  try {
    for (const size of wanted) {
      console.log(`${size.name}: ${size.users} people, ${size.messages} messages …`);
      const { seconds, megabytes } = await ensureDataset(stores, size);
      console.log(`${size.name}: made in ${seconds} s, ${megabytes} MB in the database`);
    }
  } finally {
    await stores.stop();
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof StartError ? error.message : error);
  process.exitCode = 1;
}
