import { z } from "zod";

/** So many in so much time. */
interface Rate {
  points: number;
  /** Seconds. */
  durationS: number;
}

/** What may be limited to so many in so much time; null is no limit. */
export interface Limits {
  /** Wrong passwords for one name from one address, or from one device that was logged in under it before. */
  loginPerName: Rate | null;
  /** Wrong passwords for one name from all addresses together; devices that know the name are not asked. */
  loginPerNameAnywhere: Rate | null;
  /** Wrong passwords from one address, whatever the names. */
  loginPerAddress: Rate | null;
  /** A signed-in person's own password, asked for again, given wrongly in one session from one address. */
  passwordPerUser: Rate | null;
  /** The same in one session from all addresses together. */
  passwordPerUserAnywhere: Rate | null;
  /** Wrong codes for one person from one address, in one session or one browser that was logged in before. */
  codePerUser: Rate | null;
  /** The same from all addresses together: in each session, each known browser, and all that are unknown. */
  codePerUserAnywhere: Rate | null;
  registerPerAddress: Rate | null;
  searchPerUser: Rate | null;
  sendPerUser: Rate | null;
  /** Events of one socket, whatever they are. */
  eventsPerSocket: Rate | null;
}

/** How connections are held; null is no limit. */
export interface ConnectionLimits {
  /** Connections from one address to one process. */
  perAddress: number | null;
  /** Until a request's headers are there, and until the whole of it is. */
  headersMs: number;
  requestMs: number;
  /** How long nothing may go in or out while a request or its answer is under way. */
  answerMs: number;
}

/** How many sockets may be open at once; null is no limit. */
export interface SocketLimits {
  perUser: number | null;
  perAddress: number | null;
  /** Bytes that may wait for one socket that does not read. */
  bufferBytes: number | null;
}

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };
const DURATION_MAX_S = 30 * 86_400;

/** `20/15m`: 20 in 15 minutes. */
function rate(usual: string) {
  return z
    .string()
    .default(usual)
    .transform((text, context): Rate | null => {
      if (isOff(text)) return null;
      const [, points = "", amount = "", unit = ""] = /^(\d{1,9})\/(\d{0,6})([smhd])$/.exec(text) ?? [];
      const durationS = Number(amount || "1") * (SECONDS[unit] ?? 0);
      if (Number(points) > 0 && durationS > 0 && durationS <= DURATION_MAX_S)
        return { points: Number(points), durationS };
      context.addIssue({
        code: "custom",
        message: "needs how many in what time (s, m, h or d, up to 30d), such as 20/15m, or off",
      });
      return z.NEVER;
    });
}

function count(usual: string) {
  return z
    .string()
    .default(usual)
    .transform((text, context): number | null => {
      if (isOff(text)) return null;
      if (/^\d{1,9}$/.test(text)) return Number(text);
      context.addIssue({ code: "custom", message: "needs a whole number, such as 50, or off" });
      return z.NEVER;
    });
}

const seconds = (usual: number) => z.coerce.number().int().min(1).max(3600).default(usual);

const isOff = (text: string) => text === "off" || /^0+$/.test(text);

/** The settings of all limits, as .env.example explains them. */
export const limitSettings = {
  LIMIT_LOGIN_PER_NAME: rate("20/15m"),
  LIMIT_LOGIN_PER_NAME_ANYWHERE: rate("200/1h"),
  LIMIT_LOGIN_PER_ADDRESS: rate("100/15m"),
  LIMIT_PASSWORD_PER_USER: rate("10/15m"),
  LIMIT_PASSWORD_PER_USER_ANYWHERE: rate("100/1h"),
  LIMIT_CODE_PER_USER: rate("10/15m"),
  LIMIT_CODE_PER_USER_ANYWHERE: rate("60/1h"),
  LIMIT_REGISTER_PER_ADDRESS: rate("50/1h"),
  LIMIT_SEARCH_PER_USER: rate("300/1m"),
  LIMIT_SEND_PER_USER: rate("300/1m"),
  LIMIT_EVENTS_PER_SOCKET: rate("600/10s"),
  LIMIT_SOCKETS_PER_USER: count("50"),
  LIMIT_SOCKETS_PER_ADDRESS: count("500"),
  LIMIT_SOCKET_BUFFER_KB: count("1024"),
  LIMIT_CONNECTIONS_PER_ADDRESS: count("1000"),
  LIMIT_HEADERS_SECONDS: seconds(15),
  LIMIT_REQUEST_SECONDS: seconds(30),
  LIMIT_ANSWER_SECONDS: seconds(30),
};

type Given = z.infer<z.ZodObject<typeof limitSettings>>;

export function limitsOf(given: Given): Limits {
  return {
    loginPerName: given.LIMIT_LOGIN_PER_NAME,
    loginPerNameAnywhere: given.LIMIT_LOGIN_PER_NAME_ANYWHERE,
    loginPerAddress: given.LIMIT_LOGIN_PER_ADDRESS,
    passwordPerUser: given.LIMIT_PASSWORD_PER_USER,
    passwordPerUserAnywhere: given.LIMIT_PASSWORD_PER_USER_ANYWHERE,
    codePerUser: given.LIMIT_CODE_PER_USER,
    codePerUserAnywhere: given.LIMIT_CODE_PER_USER_ANYWHERE,
    registerPerAddress: given.LIMIT_REGISTER_PER_ADDRESS,
    searchPerUser: given.LIMIT_SEARCH_PER_USER,
    sendPerUser: given.LIMIT_SEND_PER_USER,
    eventsPerSocket: given.LIMIT_EVENTS_PER_SOCKET,
  };
}

export function connectionLimitsOf(given: Given): ConnectionLimits {
  return {
    perAddress: given.LIMIT_CONNECTIONS_PER_ADDRESS,
    headersMs: given.LIMIT_HEADERS_SECONDS * 1000,
    requestMs: given.LIMIT_REQUEST_SECONDS * 1000,
    answerMs: given.LIMIT_ANSWER_SECONDS * 1000,
  };
}

export function socketLimitsOf(given: Given): SocketLimits {
  const bufferKb = given.LIMIT_SOCKET_BUFFER_KB;
  return {
    perUser: given.LIMIT_SOCKETS_PER_USER,
    perAddress: given.LIMIT_SOCKETS_PER_ADDRESS,
    bufferBytes: bufferKb === null ? null : bufferKb * 1024,
  };
}
