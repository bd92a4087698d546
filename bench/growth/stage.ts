import mysql, { type Connection } from "mysql2/promise";
import { type Dice, seededDice } from "../../src/demo/random.ts";
import { type PrivateStores, redisUrlOf } from "../../src/platform/embedded/embedded.ts";
import { datasetUrl, ensureDataset } from "../seed/datasets.ts";
import { BUSY_PERSON, LONG_PARTNER, type Size } from "../seed/sizes.ts";
import { type Stops, startApp, type Visitor } from "./app.ts";
import { countUnreadTalks, type LongTalk, restoreLongTalk } from "./growth.queries.ts";

/** One dataset with the app on it, its two people of the long conversation, and how far that one has come. */
export interface Stage {
  size: Size;
  busy: Visitor;
  partner: Visitor;
  long: LongTalk;
  /** In how many of the busy person's conversations something is unread. */
  unreadTalks: number;
  /** The number of the long conversation's last message, which is its last change too. */
  last: number;
  /** How far the partner has read it. */
  read: number;
  dice: Dice;
  connection: Connection;
}

/** Opens a dataset as it was made, whatever an earlier run has added to it; makes it where it is missing. */
export async function openStage(stores: PrivateStores, size: Size, stops: Stops): Promise<Stage> {
  await ensureDataset(stores, size);
  const url = datasetUrl(stores, size);
  const connection = await mysql.createConnection({ uri: url, timezone: "Z" });
  stops.push(() => connection.end());
  const long = await restoreLongTalk(connection, size.longest);
  const app = await startApp(url, redisUrlOf(stores), size.name, stops);
  return {
    ...{ size, long, connection, last: size.longest, read: Math.floor(size.longest / 2) },
    unreadTalks: await countUnreadTalks(connection),
    busy: await app.enter(BUSY_PERSON),
    partner: await app.enter(LONG_PARTNER),
    dice: seededDice(size.messages),
  };
}
