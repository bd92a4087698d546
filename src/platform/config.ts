import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { z } from "zod";
import {
  type ConnectionLimits,
  connectionLimitsOf,
  type Limits,
  limitSettings,
  limitsOf,
  type SocketLimits,
  socketLimitsOf,
} from "./limit-settings.ts";
import { StartError } from "./start-error.ts";

const flag = z.enum(["true", "false"]).transform((text) => text === "true");
const integer = (low: number, high: number) => z.coerce.number().int().min(low).max(high);
const days = (high: number) => z.coerce.number().positive().max(high);
const secret = z.string().min(32, "needs at least 32 characters");
const secrets = z
  .string()
  .transform((text) => text.split(","))
  .refine((keys) => keys.every((key) => secret.safeParse(key).success), "each needs at least 32 characters");

/** Every setting, as .env.example explains it. Empty values count as not set. */
const schema = z.object({
  NODE_ENV: z.enum(["development", "production", "test"]).default("development"),
  HOST: z.string().default("127.0.0.1"),
  PORT: integer(0, 65535).default(3000),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  TRUST_PROXY: z.string().optional(),
  HSTS_SUBDOMAINS: flag.default(true),
  DATA_DIR: z.string().default(".data"),
  DATABASE_URL: z.url({ protocol: /^(mysql|mariadb)$/ }).optional(),
  DATABASE_POOL: integer(2, 200).default(10),
  REDIS_URL: z.url({ protocol: /^(rediss?|unix)$/ }).optional(),
  REDIS_PREFIX: z.string().max(64).default("causerie:"),
  SESSION_SECRET: secret.optional(),
  PASSWORD_KEY: secret.optional(),
  ENCRYPTION_KEY: secrets.optional(),
  SESSION_IDLE_DAYS: days(365).default(30),
  SESSION_ABSOLUTE_DAYS: days(400).default(180),
  REGISTRATION: z.enum(["open", "invite", "closed"]).default("open"),
  BCRYPT_COST: integer(4, 15).default(12),
  WEB_CONCURRENCY: integer(1, 64).default(1),
  ANSWERS_MB: integer(0, 4096).optional(),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "silent"]).default("info"),
  LOG_MESSAGES: flag.optional(),
  METRICS_TOKEN: z.string().min(16, "needs at least 16 characters").optional(),
  ...limitSettings,
});

/** The settings a running app works by; made once at the start, never changed. */
export interface Config {
  production: boolean;
  host: string;
  port: number;
  /** Origin under which browsers reach us, without a trailing slash; null in a try-out. */
  publicOrigin: string | null;
  /** True where cookies may be marked Secure. */
  https: boolean;
  /** Whether https is demanded of this name's subdomains too. */
  hstsSubdomains: boolean;
  /** Express's `trust proxy` value: number of hops or a list of addresses; null trusts nobody. */
  trustProxy: number | string | null;
  dataDir: string;
  databaseUrl: string | null;
  databasePool: number;
  redisUrl: string | null;
  redisPrefix: string;
  sessionSecret: string;
  passwordKey: string;
  /** Keys of secrets at rest: the first seals, all open. */
  encryptionKeys: string[];
  /** Who may register: everybody, those with an invitation, nobody; the first account is made in any case. */
  registration: "open" | "invite" | "closed";
  sessionIdleMs: number;
  sessionAbsoluteMs: number;
  bcryptCost: number;
  webConcurrency: number;
  /** Memory for answers that are kept, 0 for none; null where that follows from whether one process serves alone. */
  answersBytes: number | null;
  logLevel: string;
  logMessages: boolean;
  metricsToken: string | null;
  limits: Limits;
  socketLimits: SocketLimits;
  connectionLimits: ConnectionLimits;
}

const DAY_MS = 86_400_000;
const NEEDED_IN_PRODUCTION = {
  PUBLIC_URL: "the address people type, such as https://chat.example.org",
  SESSION_SECRET: "32 or more random characters that sign the session cookie",
  PASSWORD_KEY: "32 or more random characters that key the password hashes; never change it",
} as const;

/** The settings in force. */
export let config: Config;

/** Puts the settings of an environment in force. @throws StartError as `readConfig` does */
export function configure(environment: NodeJS.ProcessEnv): Config {
  config = readConfig(environment);
  return config;
}

/**
 * Reads the settings from the environment, making the try-out's secrets where they are not required.
 *
 * @throws StartError with a line for each setting that is missing or wrong
 */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    throw new StartError(
      parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("\n"),
    );
  }
  const settings = parsed.data;
  const production = settings.NODE_ENV === "production";
  if (production) refuseMissing(settings);
  refuseHttpsWithoutProxy(settings);
  const secrets = settings.SESSION_SECRET && settings.PASSWORD_KEY ? {} : keptSecrets(settings.DATA_DIR);
  const publicUrl = settings.PUBLIC_URL ? new URL(settings.PUBLIC_URL) : null;
  const passwordKey = settings.PASSWORD_KEY ?? keptSecret("PASSWORD_KEY", settings.DATA_DIR, secrets);
  return {
    production,
    host: settings.HOST,
    port: settings.PORT,
    publicOrigin: publicUrl?.origin ?? null,
    https: publicUrl?.protocol === "https:",
    hstsSubdomains: settings.HSTS_SUBDOMAINS,
    trustProxy: parseTrustProxy(settings.TRUST_PROXY),
    dataDir: settings.DATA_DIR,
    databaseUrl: settings.DATABASE_URL ?? null,
    databasePool: settings.DATABASE_POOL,
    redisUrl: settings.REDIS_URL ?? null,
    redisPrefix: settings.REDIS_PREFIX,
    sessionSecret: settings.SESSION_SECRET ?? keptSecret("SESSION_SECRET", settings.DATA_DIR, secrets),
    passwordKey,
    // What was sealed before there was a key of its own still opens.
    encryptionKeys: [...(settings.ENCRYPTION_KEY ?? []), passwordKey],
    registration: settings.REGISTRATION,
    sessionIdleMs: settings.SESSION_IDLE_DAYS * DAY_MS,
    sessionAbsoluteMs: settings.SESSION_ABSOLUTE_DAYS * DAY_MS,
    bcryptCost: settings.BCRYPT_COST,
    webConcurrency: settings.WEB_CONCURRENCY,
    answersBytes: settings.ANSWERS_MB === undefined ? null : settings.ANSWERS_MB * 1024 * 1024,
    logLevel: settings.LOG_LEVEL,
    logMessages: settings.LOG_MESSAGES ?? !production,
    metricsToken: settings.METRICS_TOKEN ?? null,
    limits: limitsOf(settings),
    socketLimits: socketLimitsOf(settings),
    connectionLimits: connectionLimitsOf(settings),
  };
}

function refuseMissing(settings: z.infer<typeof schema>): void {
  const missing = Object.entries(NEEDED_IN_PRODUCTION).filter(
    ([name]) => settings[name as keyof typeof NEEDED_IN_PRODUCTION] === undefined,
  );
  const lines = missing.map(
    ([name, what]) => `${name} is missing: with NODE_ENV=production set it to ${what}.`,
  );
  if (settings.BCRYPT_COST < 10)
    lines.push("BCRYPT_COST is too low: with NODE_ENV=production use 10 or more.");
  if (lines.length > 0) throw new StartError(lines.join("\n"));
}

/** Browsers would get no cookie, and every login would end at the login again. */
function refuseHttpsWithoutProxy({ PUBLIC_URL, TRUST_PROXY }: z.infer<typeof schema>): void {
  if (!PUBLIC_URL?.startsWith("https:") || TRUST_PROXY !== undefined) return;
  throw new StartError(
    "TRUST_PROXY is missing: https in PUBLIC_URL needs a proxy in front; set it to 1, or to the proxy's address.",
  );
}

const PROXY_GROUPS = new Set(["loopback", "linklocal", "uniquelocal"]);

function parseTrustProxy(text: string | undefined): number | string | null {
  if (text === undefined) return null;
  if (/^\d+$/.test(text)) return Number(text);
  if (text.split(",").every((proxy) => isProxy(proxy.trim()))) return text;
  throw new StartError(
    "TRUST_PROXY: needs a number of proxies, or their addresses, such as 127.0.0.1 or 10.0.0.0/8,::1",
  );
}

/** An address, a range of them, or a group of them by the name that Express gives it. */
function isProxy(text: string): boolean {
  const [, address = "", bits] = /^([^/]+)(?:\/([1-9]\d*))?$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return PROXY_GROUPS.has(text);
  return bits === undefined || Number(bits) <= (version === 6 ? 128 : 32);
}

const secretsFile = (directory: string) => join(directory, "secrets.env");

/** @throws StartError where the file lacks it, as after a crash while it was written */
function keptSecret(name: string, directory: string, secrets: Record<string, string | undefined>): string {
  const kept = secrets[name];
  if (secret.safeParse(kept).success && kept !== undefined) return kept;
  throw new StartError(
    `${secretsFile(directory)} lacks a whole ${name}: put the file back from a copy, or set ${name} yourself.`,
  );
}

/** A try-out's secrets live beside its data, so that logins and passwords survive a restart. */
function keptSecrets(directory: string): Record<string, string | undefined> {
  const file = secretsFile(directory);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const lines = ["SESSION_SECRET", "PASSWORD_KEY"].map(
      (name) => `${name}=${randomBytes(32).toString("hex")}\n`,
    );
    writeFileSync(file, lines.join(""), { flag: "wx", mode: 0o600 });
  } catch (error) {
    // They were made before; unless it is a file in the folder's place that "exists".
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST" && existsSync(file))) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new StartError(
        `Cannot write to the data folder ${directory} (${reason}): make it writable, or set DATA_DIR.`,
      );
    }
  }
  try {
    chmodSync(file, 0o600);
    return parseEnv(readFileSync(file, "utf8"));
  } catch {
    throw new StartError(
      `Cannot read ${file}: make it readable for this user, or set DATA_DIR to another folder.`,
    );
  }
}
