import { randomUUID } from "node:crypto";
import { io, type Socket } from "socket.io-client";
import type {
  ConversationRow,
  MessagesPage,
  MessageWithHtml,
  ReceiptUpdate,
} from "../../src/realtime/events.ts";
import type { Random } from "./random.ts";
import type { DeviceRecord, Operation, SeenMessage } from "./record.ts";

/**
 * One device as the protocol wants it: an outbox that sends the same `clientId` until it is acknowledged, a
 * cursor a conversation, catching up by `rev`, receipts. What a browser does, without the browser.
 */

export interface DeviceOptions {
  deviceId: string;
  url: string;
  cookie: string;
  userId: number;
  partners: number[];
  random: Random;
  /** The checker's own check: a device that never catches up must be noticed. */
  neverCatchesUp: boolean;
  /** Part of the messages that are given up when they are refused as certainly not stored. */
  givesUp: number;
}

export interface Standing {
  deviceId: string;
  userId: number;
  waiting: number;
  /** Conversation id, messages held, cursor, unread. */
  threads: (readonly [number, number, number, number])[];
}

const ANSWER_MS = 4000;
const REFRESH_MS = 5000;
const PAGE = 200;

interface Answer {
  ok: boolean;
  error?: { code: string };
}

interface Thread {
  cursor: number;
  messages: Map<number, SeenMessage>;
  partnerId: number;
  unread: number;
}

export class Device {
  readonly options: DeviceOptions;
  private readonly socket: Socket;
  private readonly threads = new Map<number, Thread>();
  private readonly queues = new Map<number, Operation[]>();
  private readonly operations: Operation[] = [];
  private readonly leaks: string[] = [];
  private readonly claimed: DeviceRecord["claimed"] = {};
  private readonly heard = new Map<string, DeviceRecord["heard"][number]>();
  private readonly sending = new Set<number>();
  private readonly timer: NodeJS.Timeout;
  private loggedOut = false;
  private ghosts = 0;
  private frozen = false;

  constructor(options: DeviceOptions) {
    this.options = options;
    this.socket = io(options.url, {
      ...{ transports: ["websocket"], forceNew: true, timeout: 3000 },
      ...{ reconnectionDelay: 100, reconnectionDelayMax: 1000, randomizationFactor: 0.5 },
      extraHeaders: { cookie: options.cookie, origin: options.url },
    });
    this.socket.on("connect", () => void this.refresh());
    this.socket.on("refresh", () => void this.refresh());
    this.socket.on("receiveMessage", (message: MessageWithHtml) => this.receive(message));
    this.socket.on("updateReceipts", (update: ReceiptUpdate) => this.hear(update));
    this.socket.on("disconnect", (reason) => {
      if (reason === "io server disconnect" && !this.loggedOut) setTimeout(() => this.socket.connect(), 300);
    });
    this.timer = setInterval(() => void this.refresh(), REFRESH_MS);
  }

  /** Puts a message into the outbox. */
  write(receiverId: number): void {
    const queue = this.queues.get(receiverId) ?? [];
    const n = this.operations.filter((each) => each.receiverId === receiverId).length + 1;
    const { userId, deviceId } = this.options;
    const text = `${deviceId} to ${receiverId}: ${n}`;
    const clientId = randomUUID();
    const operation: Operation = {
      clientId,
      userId,
      deviceId,
      receiverId,
      text,
      n,
      outcome: "info",
      attempts: 0,
    };
    this.operations.push(operation);
    queue.push(operation);
    this.queues.set(receiverId, queue);
    void this.pump(receiverId);
  }

  /** A laptop that sleeps: nothing is sent, asked or answered. */
  freeze(isFrozen: boolean): void {
    this.frozen = isFrozen;
    if (isFrozen) this.socket.disconnect();
    else this.socket.connect();
  }

  /** Another cookie, after logging in again. */
  renew(cookie: string): void {
    this.socket.io.opts.extraHeaders = { cookie, origin: this.options.url };
    this.socket.disconnect().connect();
  }

  /** Its session has ended: from now on every open socket and every piece of news is a ghost. */
  markLoggedOut(): void {
    this.loggedOut = true;
    clearInterval(this.timer);
    this.socket.on("connect", () => this.countGhost());
    this.socket.onAny(() => this.countGhost());
  }

  /** Tries to come back with the old cookie. */
  haunt(): void {
    if (this.socket.connected) this.ghosts += 1;
    this.socket.disconnect().connect();
  }

  private countGhost(): void {
    // Accepting takes a moment; who is cut within it was never in.
    setTimeout(() => {
      if (this.loggedOut && this.socket.connected) this.ghosts += 1;
    }, 1000);
  }

  private async ask<T extends object>(event: string, input: object): Promise<(Answer & T) | null> {
    if (!this.socket.connected) return null;
    try {
      return await this.socket.timeout(ANSWER_MS).emitWithAck(event, input);
    } catch {
      return null;
    }
  }

  private async pump(receiverId: number): Promise<void> {
    if (this.sending.has(receiverId) || this.frozen) return;
    this.sending.add(receiverId);
    const queue = this.queues.get(receiverId) ?? [];
    for (let first = queue[0]; first && this.socket.connected; first = queue[0]) {
      if (await this.isDone(first)) queue.shift();
    }
    this.sending.delete(receiverId);
  }

  /** Makes one attempt; whether the operation has its outcome. */
  private async isDone(operation: Operation): Promise<boolean> {
    const { receiverId, text, clientId } = operation;
    operation.attempts += 1;
    const answer = await this.ask<{ message: MessageWithHtml }>("sendMessage", {
      receiverId,
      message: text,
      clientId,
    });
    if (answer?.ok) {
      const { conversationId, seq, id } = answer.message;
      operation.outcome = "ok";
      operation.stored = { conversationId, seq, id };
      return true;
    }
    if (
      answer?.error?.code === "unavailable" &&
      operation.attempts === 1 &&
      this.options.random.next() < this.options.givesUp
    ) {
      operation.outcome = "fail";
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, this.options.random.between(100, 400)));
    return false;
  }

  /** Everything that may have been missed, and everything that waits. */
  private async refresh(): Promise<void> {
    if (this.frozen || this.loggedOut) return;
    for (const receiverId of this.queues.keys()) void this.pump(receiverId);
    const list = await this.ask<{ rows: ConversationRow[] }>("getConversations", { limit: 100 });
    for (const row of list?.rows ?? []) {
      if (row.conversationId === null) continue;
      const thread = this.threadOf(row.conversationId, row.userId);
      thread.unread = row.unread;
      const conversationId = row.conversationId;
      this.hear({ conversationId, userId: row.userId, ...row.other, unread: 0 });
      if (row.lastRev > thread.cursor) await this.catchUp(conversationId, thread);
    }
  }

  private threadOf(conversationId: number, partnerId: number): Thread {
    const thread = this.threads.get(conversationId) ?? {
      cursor: 0,
      messages: new Map(),
      partnerId,
      unread: 0,
    };
    this.threads.set(conversationId, thread);
    return thread;
  }

  private async catchUp(conversationId: number, thread: Thread): Promise<void> {
    if (this.options.neverCatchesUp) return;
    for (;;) {
      const page = await this.ask<MessagesPage>("getMessages", {
        conversationId,
        afterRev: thread.cursor,
        limit: PAGE,
      });
      if (!page?.ok) return;
      for (const message of page.messages) this.keep(thread, message);
      thread.cursor = Math.max(thread.cursor, page.messages.at(-1)?.rev ?? 0);
      if (page.more) continue;
      thread.cursor = Math.max(thread.cursor, page.lastRev);
      this.claim(conversationId, thread);
      return;
    }
  }

  private receive(message: MessageWithHtml): void {
    const { userId, partners } = this.options;
    const isOurs = message.senderId === userId || message.receiverId === userId;
    const partnerId = message.senderId === userId ? (message.receiverId ?? 0) : message.senderId;
    if (!isOurs || !partners.includes(partnerId)) this.leaks.push(`${message.conversationId}:${message.seq}`);
    const thread = this.threadOf(message.conversationId, partnerId);
    this.keep(thread, message);
    if (message.rev === thread.cursor + 1) thread.cursor = message.rev;
    else if (message.rev > thread.cursor) void this.catchUp(message.conversationId, thread);
    if (message.senderId !== userId) this.claim(message.conversationId, thread);
  }

  private keep(thread: Thread, message: MessageWithHtml): void {
    const { seq, id, rev, senderId, clientId, message: text } = message;
    if ((thread.messages.get(seq)?.rev ?? 0) < rev)
      thread.messages.set(seq, { seq, id, rev, senderId, clientId, text });
  }

  /** Delivered up to where nothing is missing; now and then read as well. */
  private claim(conversationId: number, thread: Thread): void {
    const seq = thread.cursor;
    const claimed = this.claimed[conversationId] ?? { delivered: 0, read: 0 };
    this.claimed[conversationId] = claimed;
    const isRead = this.options.random.next() < 0.5;
    if (seq <= (isRead ? claimed.read : claimed.delivered)) return;
    claimed.delivered = Math.max(claimed.delivered, seq);
    if (isRead) claimed.read = Math.max(claimed.read, seq);
    void this.ask(isRead ? "readMessages" : "deliverMessages", { conversationId, seq });
  }

  private hear({ conversationId, userId, deliveredSeq, readSeq }: ReceiptUpdate): void {
    const key = `${conversationId}:${userId}`;
    const held = this.heard.get(key);
    this.heard.set(key, {
      ...{ conversationId, userId },
      deliveredSeq: Math.max(held?.deliveredSeq ?? 0, deliveredSeq),
      readSeq: Math.max(held?.readSeq ?? 0, readSeq),
    });
  }

  /** Where it stands, to see whether all have converged. */
  standing(): Standing {
    const threads = [...this.threads].map(
      ([id, thread]) => [id, thread.messages.size, thread.cursor, thread.unread] as const,
    );
    const { waiting } = this.record();
    return { deviceId: this.options.deviceId, userId: this.options.userId, waiting, threads };
  }

  record(): DeviceRecord {
    const { deviceId, userId } = this.options;
    return {
      ...{ deviceId, userId, operations: this.operations, leaks: this.leaks, claimed: this.claimed },
      ...{ ghosts: this.ghosts, isAway: this.loggedOut },
      views: [...this.threads].map(([conversationId, thread]) => ({
        conversationId,
        messages: [...thread.messages.values()].sort((a, b) => a.seq - b.seq),
      })),
      heard: [...this.heard.values()],
      unread: Object.fromEntries([...this.threads].map(([id, thread]) => [id, thread.unread])),
      waiting: [...this.queues.values()].reduce((sum, queue) => sum + queue.length, 0),
    };
  }

  close(): void {
    clearInterval(this.timer);
    this.socket.disconnect();
  }
}
