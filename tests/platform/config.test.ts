import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readConfig } from "../../src/platform/config.ts";
import { StartError } from "../../src/platform/start-error.ts";

const folder = mkdtempSync(join(tmpdir(), "causerie-config-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const SECRETS = { SESSION_SECRET: "s".repeat(32), PASSWORD_KEY: "p".repeat(32) };
const PRODUCTION = {
  NODE_ENV: "production",
  PUBLIC_URL: "https://chat.example.org",
  TRUST_PROXY: "1",
  ...SECRETS,
};

/** The lines with which an environment is refused; fails when it is not. */
function refusal(environment: Record<string, string>): string[] {
  try {
    readConfig(environment);
  } catch (error) {
    assert.ok(error instanceof StartError, String(error));
    return error.message.split("\n");
  }
  throw new Error("it was not refused");
}

test("with nothing configured it is a try-out for this machine alone", () => {
  const config = readConfig({ DATA_DIR: join(folder, "nothing") });
  const {
    dataDir: _,
    sessionSecret,
    passwordKey,
    encryptionKeys,
    limits: _limits,
    socketLimits: _sockets,
    connectionLimits: _connections,
    ...rest
  } = config;
  assert.ok(sessionSecret.length >= 32 && passwordKey.length >= 32 && sessionSecret !== passwordKey);
  assert.deepEqual(rest, {
    ...{
      production: false,
      host: "127.0.0.1",
      port: 3000,
      publicOrigin: null,
      https: false,
      trustProxy: null,
      hstsSubdomains: true,
    },
    ...{ databaseUrl: null, databasePool: 10, redisUrl: null, redisPrefix: "causerie:" },
    ...{
      sessionIdleMs: 30 * 86_400_000,
      sessionAbsoluteMs: 180 * 86_400_000,
      bcryptCost: 12,
      webConcurrency: 1,
      answersBytes: null,
    },
    registration: "open",
    ...{ logLevel: "info", logMessages: true, metricsToken: null },
  });
});

test("a try-out's secrets are made once, for this user's eyes, and kept", () => {
  const directory = join(folder, "kept");
  const first = readConfig({ DATA_DIR: directory });
  const second = readConfig({ DATA_DIR: directory });
  assert.equal(second.sessionSecret, first.sessionSecret);
  assert.equal(second.passwordKey, first.passwordKey);
  assert.equal(statSync(join(directory, "secrets.env")).mode & 0o777, 0o600);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  const other = readConfig({ DATA_DIR: join(folder, "other") });
  assert.notEqual(other.sessionSecret, first.sessionSecret);
});

test("secrets that anybody could read are closed to others", () => {
  const directory = join(folder, "open");
  readConfig({ DATA_DIR: directory });
  chmodSync(join(directory, "secrets.env"), 0o644);
  readConfig({ DATA_DIR: directory });
  assert.equal(statSync(join(directory, "secrets.env")).mode & 0o777, 0o600);
});

test("a file of secrets that was not written whole is refused, never replaced or taken as empty", () => {
  const directory = join(folder, "half");
  readConfig({ DATA_DIR: directory });
  const file = join(directory, "secrets.env");
  const whole = readFileSync(file, "utf8");
  for (const half of ["", whole.slice(0, 30), whole.slice(0, whole.indexOf("\n") + 20)]) {
    writeFileSync(file, half);
    const lines = refusal({ DATA_DIR: directory });
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? "",
      /secrets\.env lacks a whole (SESSION_SECRET|PASSWORD_KEY): put the file back/,
    );
    assert.equal(readFileSync(file, "utf8"), half);
  }
  assert.equal(readConfig({ DATA_DIR: directory, ...SECRETS }).passwordKey, SECRETS.PASSWORD_KEY);
});

test("given secrets count and nothing is written", () => {
  const directory = join(folder, "unused");
  const config = readConfig({ DATA_DIR: directory, ...SECRETS });
  assert.equal(config.sessionSecret, SECRETS.SESSION_SECRET);
  assert.throws(() => statSync(directory), { code: "ENOENT" });
});

test("a data folder that cannot be written is told in one line", () => {
  const file = join(folder, "a-file");
  writeFileSync(file, "");
  for (const directory of [file, join(file, "inside")]) {
    const lines = refusal({ DATA_DIR: directory });
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", /^Cannot write to the data folder .*: make it writable, or set DATA_DIR\.$/);
    assert.ok(lines[0]?.includes(directory));
  }
});

test("production without settings names each missing one in a line of its own", () => {
  const lines = refusal({ NODE_ENV: "production" });
  const named = lines.map((line) => /^(\w+) is missing: with NODE_ENV=production set it to /.exec(line)?.[1]);
  assert.deepEqual(named, ["PUBLIC_URL", "SESSION_SECRET", "PASSWORD_KEY"]);
});

for (const name of ["PUBLIC_URL", "SESSION_SECRET", "PASSWORD_KEY", "TRUST_PROXY"]) {
  test(`production without ${name} names just that one, also when it is empty`, () => {
    for (const environment of [
      Object.fromEntries(Object.entries(PRODUCTION).filter(([key]) => key !== name)),
      { ...PRODUCTION, [name]: "" },
    ]) {
      const lines = refusal(environment);
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.ok(lines[0]?.startsWith(`${name} is missing: `), lines[0]);
    }
  });
}

test("production with its settings keeps texts out of the log and cookies to https", () => {
  const config = readConfig(PRODUCTION);
  assert.equal(config.production, true);
  assert.equal(config.publicOrigin, "https://chat.example.org");
  assert.equal(config.https, true);
  assert.equal(config.trustProxy, 1);
  assert.equal(config.logMessages, false);
  assert.equal(readConfig({ ...PRODUCTION, LOG_MESSAGES: "true" }).logMessages, true);
});

test("production over plain http needs no proxy", () => {
  const { TRUST_PROXY: _, ...rest } = PRODUCTION;
  const config = readConfig({ ...rest, PUBLIC_URL: "http://192.168.1.5:3000/chat?x" });
  assert.equal(config.publicOrigin, "http://192.168.1.5:3000");
  assert.equal(config.https, false);
  assert.equal(config.trustProxy, null);
});

test("production refuses hashes that are cheap to guess", () => {
  assert.match(
    refusal({ ...PRODUCTION, BCRYPT_COST: "9" }).join(),
    /^BCRYPT_COST is too low: .* 10 or more\.$/,
  );
});

const BAD_RATES = [
  "20",
  "20/",
  "/15m",
  "-1/1m",
  "20/0m",
  "20/31d",
  "1.5/1m",
  "20/15",
  "20 / 15m",
  "on",
  "1e3/1m",
];
const BAD_COUNTS = ["-1", "1.5", "many", "10/1m"];

const BAD: Record<string, string[]> = {
  NODE_ENV: ["prod", "PRODUCTION"],
  PORT: ["x", "-1", "65536", "3000.5", "3000 3001"],
  PUBLIC_URL: ["chat.example.org", "ftp://chat.example.org", "javascript:alert(1)", "https://"],
  TRUST_PROXY: [
    "yes",
    "true",
    "10.0.0.0/33",
    "10.0.0.0/0",
    "::1/129",
    "1.2.3",
    "127.0.0.1,",
    "-1",
    "1.5",
    "::1/1/1",
  ],
  DATABASE_URL: ["localhost", "postgres://localhost/x"],
  DATABASE_POOL: ["1", "201", "x"],
  REDIS_URL: ["localhost:6379", "http://localhost"],
  REDIS_PREFIX: ["x".repeat(65)],
  SESSION_SECRET: ["x", "x".repeat(31)],
  PASSWORD_KEY: ["x".repeat(31)],
  ENCRYPTION_KEY: ["x".repeat(31), `${"x".repeat(32)},short`, `${"x".repeat(32)},`],
  SESSION_IDLE_DAYS: ["0", "-1", "366", "x"],
  SESSION_ABSOLUTE_DAYS: ["0", "401", "x"],
  REGISTRATION: ["yes", "Open", "off"],
  BCRYPT_COST: ["3", "16", "x"],
  WEB_CONCURRENCY: ["0", "65"],
  ANSWERS_MB: ["-1", "4097"],
  LOG_LEVEL: ["loud"],
  HSTS_SUBDOMAINS: ["yes", "1"],
  LOG_MESSAGES: ["yes", "1"],
  METRICS_TOKEN: ["short"],
  LIMIT_LOGIN_PER_NAME: BAD_RATES,
  LIMIT_LOGIN_PER_NAME_ANYWHERE: BAD_RATES,
  LIMIT_LOGIN_PER_ADDRESS: BAD_RATES,
  LIMIT_PASSWORD_PER_USER: BAD_RATES,
  LIMIT_PASSWORD_PER_USER_ANYWHERE: BAD_RATES,
  LIMIT_CODE_PER_USER: BAD_RATES,
  LIMIT_CODE_PER_USER_ANYWHERE: BAD_RATES,
  LIMIT_REGISTER_PER_ADDRESS: BAD_RATES,
  LIMIT_SEARCH_PER_USER: BAD_RATES,
  LIMIT_SEND_PER_USER: BAD_RATES,
  LIMIT_EVENTS_PER_SOCKET: BAD_RATES,
  LIMIT_SOCKETS_PER_USER: BAD_COUNTS,
  LIMIT_SOCKETS_PER_ADDRESS: BAD_COUNTS,
  LIMIT_SOCKET_BUFFER_KB: BAD_COUNTS,
  LIMIT_CONNECTIONS_PER_ADDRESS: BAD_COUNTS,
  LIMIT_HEADERS_SECONDS: ["0", "3601", "x"],
  LIMIT_REQUEST_SECONDS: ["0", "3601", "x"],
  LIMIT_ANSWER_SECONDS: ["0", "3601", "x"],
};

for (const [name, values] of Object.entries(BAD)) {
  test(`a value that ${name} cannot have is refused in one line that names it, and not the value of a secret`, () => {
    for (const value of values) {
      const lines = refusal({ ...SECRETS, [name]: value });
      assert.equal(lines.length, 1, `${value}: ${lines.join("\n")}`);
      assert.ok(lines[0]?.startsWith(`${name}: `), lines[0]);
      if (/SECRET|KEY|TOKEN/.test(name) && value.length > 1) assert.ok(!lines[0]?.includes(value));
    }
  });
}

test("several bad values are named together", () => {
  const lines = refusal({ ...SECRETS, PORT: "x", LOG_LEVEL: "loud", BCRYPT_COST: "99" });
  assert.deepEqual(lines.map((line) => line.split(":")[0]).sort(), ["BCRYPT_COST", "LOG_LEVEL", "PORT"]);
});

test("proxies are a number of hops, addresses, ranges or their groups", () => {
  const trusted = (TRUST_PROXY: string) => readConfig({ ...SECRETS, TRUST_PROXY }).trustProxy;
  assert.equal(trusted("1"), 1);
  assert.equal(trusted("0"), 0);
  for (const text of ["127.0.0.1", "10.0.0.0/8,::1", "loopback, uniquelocal", "fd00::/8"]) {
    assert.equal(trusted(text), text);
  }
});

test("a limit is so many in so much time, or off", () => {
  const limit = (LIMIT_SEND_PER_USER: string) =>
    readConfig({ ...SECRETS, LIMIT_SEND_PER_USER }).limits.sendPerUser;
  assert.deepEqual(limit("20/15m"), { points: 20, durationS: 900 });
  assert.deepEqual(limit("5/s"), { points: 5, durationS: 1 });
  assert.deepEqual(limit("1000000/30d"), { points: 1_000_000, durationS: 2_592_000 });
  assert.deepEqual([limit("off"), limit("0")], [null, null]);
  assert.deepEqual(limit(""), { points: 300, durationS: 60 });
});

test("empty values count as not set", () => {
  const config = readConfig({ ...SECRETS, PORT: "", DATABASE_URL: "", REDIS_URL: "", TRUST_PROXY: "" });
  assert.equal(config.port, 3000);
  assert.equal(config.databaseUrl, null);
  assert.equal(config.trustProxy, null);
});

test("stores are named by an address or a socket", () => {
  for (const url of [
    "redis://127.0.0.1:6379",
    "rediss://user:pw@redis.example:6380/2",
    "unix:/run/redis.sock",
  ]) {
    assert.equal(readConfig({ ...SECRETS, REDIS_URL: url }).redisUrl, url);
  }
  for (const url of [
    "mysql://root@localhost/x?socketPath=%2Frun%2Fm.sock",
    "mariadb://a:b@db.example:3306/chat",
  ]) {
    assert.equal(readConfig({ ...SECRETS, DATABASE_URL: url }).databaseUrl, url);
  }
});

test(".env.example names every setting", () => {
  const text = readFileSync(new URL("../../.env.example", import.meta.url), "utf8");
  const named = [...text.matchAll(/^#?([A-Z_]+)=/gm)].map((match) => match[1]);
  const settings = [...Object.keys(BAD), "HOST", "DATA_DIR"];
  assert.deepEqual(named.sort(), settings.sort());
});
