/** What the bench orders of its load process, and what that answers. */

/** Somebody whom the load plays. */
export interface Player {
  id: number;
  name: string;
  cookie: string;
}

/** A server under load, by a name of its own for as long as the bench runs. */
export interface Target {
  name: string;
  url: string;
  /** Several processes behind one address: news from two of them may overtake each other on its way. */
  isMany?: boolean;
}

export type Order =
  | { task: "open"; target: Target; players: Player[]; tabs: number; atOnce: number }
  | { task: "close"; target: string }
  | { task: "saturate"; target: string; pairs: number; inFlight: number; ms: number }
  | { task: "pace"; target: string; pairs: number; perSecond: number; ms: number }
  | { task: "forms"; target: Target; players: Player[]; inFlight: number; ms: number }
  | {
      task: "pages";
      target: Target;
      requests: PageRequest[];
      connections: number;
      ms: number;
      sends: Sends[];
    }
  | { task: "logins"; target: Target; names: string[]; password: string; atOnce: number; ms: number };

/** A page as somebody asks for it, and what must stand in the answer. */
export interface PageRequest {
  path: string;
  cookie: string;
  accept: "text/html" | "application/json";
  mustHave: string[];
  /** The conversation whose newest number the page must show, where messages arrive meanwhile. */
  conversation?: [number, number];
}

/** Messages that arrive while pages are read: between these players of an open target, so many a second. */
export interface Sends {
  target: string;
  pairs: [number, number][];
  perSecond: number;
}

/** What a task counted; times in ms, `cpu` in seconds of the load process. */
export interface Figures {
  done: number;
  seconds: number;
  cpu: number;
  /** What was wrong, the first few; a fast wrong answer fails the bench. */
  wrong: string[];
  ackP50?: number;
  ackP99?: number;
  otherP50?: number;
  otherP99?: number;
  /** Messages acknowledged by the way, in tasks that are not about them. */
  sent?: number;
}
