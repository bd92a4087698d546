import type { Cell } from "./cell.ts";
import type { Crowd } from "./crowds.ts";
import type { Line } from "./proxy.ts";
import type { Random } from "./random.ts";

/** What is done to the deployment, and undone. */

export interface Scene {
  cell: Cell;
  proxies: Line[];
  crowds: Crowd[];
  random: Random;
  /** Logs everybody in anew and hands out the cookies. */
  renewSessions: () => Promise<void>;
  /** How long each drained node took to go, in ms. */
  drains: number[];
}

/** Begins a fault; the result undoes it. */
type Fault = (scene: Scene) => Promise<() => Promise<void>>;

const nothing = async () => undefined;

export const faults: Record<string, Fault> = {
  "kill node": async ({ cell, random }) => {
    const index = random.between(0, cell.nodes.length - 1);
    await cell.stopNode(index, "SIGKILL");
    return () => cell.startNode(index);
  },
  "freeze node": async ({ cell, random }) => {
    const { child } = random.pick(cell.nodes);
    child?.kill("SIGSTOP");
    return async () => void child?.kill("SIGCONT");
  },
  "drain node": async ({ cell, random, drains }) => {
    const index = random.between(0, cell.nodes.length - 1);
    drains.push(await cell.stopNode(index, "SIGTERM"));
    return () => cell.startNode(index);
  },
  "rolling restart": async ({ cell, drains }) => {
    for (const index of cell.nodes.keys()) {
      drains.push(await cell.stopNode(index, "SIGTERM"));
      await cell.startNode(index);
    }
    return nothing;
  },
  "clock step": async ({ cell, random, drains }) => {
    const index = random.between(0, cell.nodes.length - 1);
    drains.push(await cell.stopNode(index, "SIGTERM"));
    await cell.startNode(index, random.pick(["+5h", "-5h", "+90s", "-90s"]));
    return async () => {
      await cell.stopNode(index, "SIGTERM");
      await cell.startNode(index);
    };
  },
  "kill MariaDB": async ({ cell }) => {
    await cell.signalStore("mariadb", "SIGKILL");
    return nothing;
  },
  "freeze MariaDB": async ({ cell }) => {
    await cell.signalStore("mariadb", "SIGSTOP");
    return () => cell.signalStore("mariadb", "SIGCONT");
  },
  "kill Redis": async ({ cell }) => {
    await cell.signalStore("redis", "SIGKILL");
    return nothing;
  },
  "freeze Redis": async ({ cell }) => {
    await cell.signalStore("redis", "SIGSTOP");
    return () => cell.signalStore("redis", "SIGCONT");
  },
  FLUSHALL: async ({ cell, renewSessions }) => {
    await cell.flushRedis();
    return renewSessions;
  },
  "cut connections": async ({ proxies, random }) => {
    random.pick(proxies).cut();
    return nothing;
  },
  "half-open connections": async ({ proxies, random }) => {
    const proxy = random.pick(proxies);
    proxy.hold();
    return async () => {
      proxy.cut();
      proxy.heal();
    };
  },
  "delayed connections": async ({ proxies, random }) => {
    const proxy = random.pick(proxies);
    proxy.delay(random.between(100, 800));
    return async () => proxy.heal();
  },
  "lost acknowledgements": async ({ proxies, random }) => {
    const proxy = random.pick(proxies);
    proxy.swallowAnswers();
    return async () => {
      proxy.cut();
      proxy.heal();
    };
  },
  "frozen clients": async ({ crowds, random }) => {
    const crowd = random.pick(crowds);
    crowd.signal("SIGSTOP");
    return async () => crowd.signal("SIGCONT");
  },
  "sleeping device": async ({ crowds, random }) => {
    const crowd = random.pick(crowds);
    const deviceId = random.pick(crowd.deviceIds);
    crowd.tell({ order: "sleep", deviceId, isFrozen: true });
    return async () => crowd.tell({ order: "sleep", deviceId, isFrozen: false });
  },
};
