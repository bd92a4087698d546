import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Figures, Order } from "../load/orders.ts";
import { stopProcess } from "./processes.ts";

/** The load process as the bench sees it. */
export class Loader {
  private readonly child: ChildProcess;
  private asked = 0;

  constructor() {
    this.child = fork(new URL("../load/load.ts", import.meta.url), {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
  }

  /** @throws Error when an answer was wrong: a fast wrong answer fails the bench */
  async follow(order: Order): Promise<Figures> {
    this.asked += 1;
    const id = this.asked;
    this.child.send({ id, order });
    for (;;) {
      const [reply]: { id: number; figures?: Figures; failure?: string }[] = await once(
        this.child,
        "message",
      );
      if (reply?.id !== id) continue;
      const { figures, failure } = reply;
      if (!figures) throw new Error(`${order.task}: ${failure}`);
      if (figures.wrong.length > 0) throw new Error(`${order.task}: ${figures.wrong.join("; ")}`);
      return figures;
    }
  }

  async stop(): Promise<void> {
    await stopProcess(this.child);
  }
}
