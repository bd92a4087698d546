import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Order, Reply } from "./crowd.ts";
import type { DeviceOptions, Standing } from "./device.ts";
import type { DeviceRecord } from "./record.ts";

/** A crowd process as its parent sees it. */
export class Crowd {
  readonly deviceIds: string[];
  private readonly child: ChildProcess;
  private asked = 0;

  constructor(seed: number, devices: Omit<DeviceOptions, "random">[], everyMs: number) {
    this.child = fork(new URL("./crowd.ts", import.meta.url), {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.deviceIds = devices.map((device) => device.deviceId);
    this.tell({ order: "start", seed, devices, everyMs });
  }

  tell(order: Order): void {
    this.child.send(order);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async standings(): Promise<Standing[]> {
    const reply = await this.ask("stand");
    return "standings" in reply ? reply.standings : [];
  }

  async records(): Promise<DeviceRecord[]> {
    const reply = await this.ask("record");
    return "records" in reply ? reply.records : [];
  }

  private async ask(order: "stand" | "record"): Promise<Reply> {
    this.asked += 1;
    const ask = this.asked;
    this.tell({ order, ask });
    for (;;) {
      const [reply]: Reply[] = await once(this.child, "message");
      if (reply?.ask === ask) return reply;
    }
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, "exit");
    this.child.kill("SIGCONT");
    this.child.kill("SIGKILL");
    await gone;
  }
}
