import { Device, type DeviceOptions, type Standing } from "./device.ts";
import { randomFrom } from "./random.ts";
import type { DeviceRecord } from "./record.ts";

/** A process of its own full of devices, told by its parent what to do. */

export type Order =
  | { order: "start"; seed: number; devices: Omit<DeviceOptions, "random">[]; everyMs: number }
  | { order: "quiet" }
  | { order: "sleep"; deviceId: string; isFrozen: boolean }
  | { order: "renew"; cookies: Record<number, string> }
  | { order: "loggedOut"; deviceId: string }
  | { order: "haunt"; deviceId: string }
  | { order: "stand"; ask: number }
  | { order: "record"; ask: number }
  | { order: "close" };

export type Reply = { ask: number; standings: Standing[] } | { ask: number; records: DeviceRecord[] };

const devices = new Map<string, Device>();
const away = new Set<string>();
let writing: NodeJS.Timeout | undefined;

process.on("message", (order: Order) => {
  switch (order.order) {
    case "start":
      start(order);
      break;
    case "quiet":
      clearInterval(writing);
      break;
    case "sleep":
      devices.get(order.deviceId)?.freeze(order.isFrozen);
      break;
    case "renew":
      for (const [id, device] of devices) {
        const cookie = order.cookies[device.options.userId];
        if (cookie && !away.has(id)) device.renew(cookie);
      }
      break;
    case "loggedOut":
      away.add(order.deviceId);
      devices.get(order.deviceId)?.markLoggedOut();
      break;
    case "haunt":
      devices.get(order.deviceId)?.haunt();
      break;
    case "stand":
      process.send?.({ ask: order.ask, standings: present().map((device) => device.standing()) });
      break;
    case "record":
      process.send?.({ ask: order.ask, records: [...devices.values()].map((device) => device.record()) });
      break;
    case "close":
      for (const device of devices.values()) device.close();
      process.disconnect();
  }
});

const present = () => [...devices].filter(([id]) => !away.has(id)).map(([, device]) => device);

function start({ seed, devices: wanted, everyMs }: Extract<Order, { order: "start" }>): void {
  const random = randomFrom(seed);
  for (const options of wanted) devices.set(options.deviceId, new Device({ ...options, random }));
  writing = setInterval(() => {
    const writers = present();
    if (writers.length === 0) return;
    const device = random.pick(writers);
    device.write(random.pick(device.options.partners));
  }, everyMs);
}

process.on("disconnect", () => process.exit(0));
