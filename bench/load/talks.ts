import { randomUUID } from "node:crypto";
import type { Player, Target } from "./orders.ts";
import { type Answer, type Delivered, type LoadSocket, openSocket } from "./socket.ts";

const WRONG_MAX = 5;
const TEXT_BYTES = 60;

/** A message on its way: it has arrived once it is acknowledged and every tab of the other person has it. */
interface Flight {
  text: string;
  since: number;
  isAcknowledged: boolean;
  missing: number;
  onAcknowledged: (ms: number) => void;
  onDelivered: (ms: number) => void;
  onArrived: () => void;
}

/** What somebody may want to know of a send. */
export type Watch = Partial<Pick<Flight, "onAcknowledged" | "onDelivered" | "onArrived">>;

/** The open sockets of all players on one server; sends, and checks every answer and every delivery. */
export class Talks {
  readonly wrong: string[] = [];
  acknowledged = 0;
  /** The newest acknowledged number of each conversation, by its two players' places. */
  readonly newest = new Map<string, number>();
  private opened = 0;
  private readonly tabs = new Map<number, LoadSocket[]>();
  private readonly flights = new Map<string, Flight>();
  private readonly expected = new Map<string, number>();
  private readonly players: Player[];
  private readonly placeOf: Map<number, number>;
  private readonly target: Target;

  constructor(target: Target, players: Player[]) {
    this.target = target;
    this.players = players;
    this.placeOf = new Map(players.map((player, place) => [player.id, place]));
  }

  /** Opens `tabs` sockets for every player, `atOnce` at a time. */
  async open(tabs: number, atOnce: number): Promise<void> {
    const waiting = this.players.flatMap((_player, place) => Array.from({ length: tabs }, () => place));
    const worker = async () => {
      for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) await this.openTab(place);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }

  /** Resolves once the server has closed all of them as well. */
  async close(): Promise<void> {
    const tabs = [...this.tabs.values()].flat();
    this.tabs.clear();
    await Promise.all(tabs.map((tab) => tab.close()));
  }

  /** Sends from one player to another, places of `players`. */
  send(from: number, to: number, watch: Watch = {}): void {
    const clientId = randomUUID();
    const text = textFor(clientId);
    const flight: Flight = {
      ...{ text, since: performance.now(), isAcknowledged: false, missing: this.tabs.get(to)?.length ?? 0 },
      onAcknowledged: watch.onAcknowledged ?? nothing,
      onDelivered: watch.onDelivered ?? nothing,
      onArrived: watch.onArrived ?? nothing,
    };
    this.flights.set(clientId, flight);
    const receiverId = this.players[to]?.id;
    const tab = this.tabs.get(from)?.[0];
    tab?.ask("sendMessage", { receiverId, message: text, clientId }, (answer) =>
      this.answered(flight, clientId, answer, pairKey(from, to)),
    );
  }

  /** How many messages are still on their way. */
  get underWay(): number {
    return this.flights.size;
  }

  /** Resolves once everything has arrived; what has not after `ms` is wrong. */
  async settled(ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (this.flights.size > 0 && performance.now() < end) await new Promise((next) => setTimeout(next, 5));
    if (this.flights.size > 0) this.report(`${this.flights.size} messages did not arrive`);
    this.flights.clear();
  }

  report(what: string): void {
    if (this.wrong.length < WRONG_MAX) this.wrong.push(what);
  }

  private async openTab(place: number): Promise<void> {
    const player = this.players[place];
    if (!player) return;
    // Several tabs of one player open at the same time.
    this.opened += 1;
    const name = `${place}.${this.opened}`;
    const tab = await openSocket({
      ...{ url: this.target.url, cookie: player.cookie, auth: { userId: player.id } },
      onEvent: (event, value) => {
        if (event === "receiveMessage") this.delivered(place, name, value);
      },
      onEnd: (reason) => this.report(`a socket ended: ${reason}`),
    });
    this.tabs.set(place, [...(this.tabs.get(place) ?? []), tab]);
  }

  private answered(flight: Flight, clientId: string, { ok, error, message }: Answer, pair: string): void {
    const isRight = ok && message?.clientId === clientId && message.message === flight.text;
    if (!isRight) {
      this.report(`a send was answered ${JSON.stringify({ ok, error, message })}`);
      this.flights.delete(clientId);
      flight.onArrived();
      return;
    }
    this.acknowledged += 1;
    this.newest.set(pair, Math.max(this.newest.get(pair) ?? 0, message.seq ?? 0));
    flight.onAcknowledged(performance.now() - flight.since);
    flight.isAcknowledged = true;
    this.landed(flight, clientId);
  }

  private delivered(place: number, tab: string, message: Delivered): void {
    this.checkOrder(tab, message);
    if (this.placeOf.get(message.receiverId) !== place) return;
    const flight = this.flights.get(message.clientId);
    if (!flight) {
      this.report(`a message arrived twice or unasked: ${message.clientId}`);
      return;
    }
    if (flight.text !== message.message) this.report(`a message arrived changed: ${message.message}`);
    flight.missing -= 1;
    flight.onDelivered(performance.now() - flight.since);
    this.landed(flight, message.clientId);
  }

  /** Numbers follow each other at every tab, without a gap. */
  private checkOrder(tab: string, { conversationId, seq }: Delivered): void {
    // The relay numbers nothing, and clients put in order what comes from several processes.
    if (seq === undefined || this.target.isMany) return;
    const key = `${tab} ${conversationId}`;
    const expected = this.expected.get(key) ?? seq;
    if (seq !== expected) this.report(`${tab} got number ${seq} of ${conversationId} instead of ${expected}`);
    this.expected.set(key, seq + 1);
  }

  private landed(flight: Flight, clientId: string): void {
    if (!flight.isAcknowledged || flight.missing > 0) return;
    this.flights.delete(clientId);
    flight.onArrived();
  }
}

/** The conversation of two players, by their places. */
export const pairKey = (a: number, b: number) => `${Math.min(a, b)}:${Math.max(a, b)}`;

/** 60 bytes, never the same ones. */
function textFor(clientId: string): string {
  return `${clientId} is what we meet for`.padEnd(TEXT_BYTES, ".");
}

const nothing = () => undefined;
