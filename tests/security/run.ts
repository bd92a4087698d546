import { spawn } from "node:child_process";
import { glob } from "node:fs/promises";
import { parseArgs } from "node:util";

/**
 * `npm run test:security`: what `npm test` proves of safety, and what takes longer. `-- --minutes N` runs the fuzz alone
 * for so long, `-- --seed S` runs it with that seed again.
 */
const { values } = parseArgs({ options: { minutes: { type: "string" }, seed: { type: "string" } } });
const minutes = Number(values.minutes ?? 0);
/** What proves safety and lives with the feature that it is about. */
const ELSEWHERE = [
  ...[
    "tests/system/{xss,inert}.test.ts",
    "tests/realtime/floods.test.ts",
    "tests/auth/{guesses,proofs}.test.ts",
  ],
  ...["tests/platform/{limits,slow-requests,audit}.test.ts", "tests/{sessions,two-step}/*.test.ts"],
];
const isFuzzAlone = values.minutes !== undefined || values.seed !== undefined;
const files = isFuzzAlone
  ? ["tests/security/fuzz.test.ts"]
  : (await Array.fromAsync(glob(["tests/security/*.{test,slow}.ts", ...ELSEWHERE]))).sort();

const FILE_MS = 300_000;
const child = spawn(process.execPath, ["tests/run.ts", ...files], {
  stdio: "inherit",
  env: {
    ...process.env,
    TEST_FILE_MS: String(FILE_MS + minutes * 60_000),
    FUZZ_MINUTES: String(minutes),
    ...(values.seed ? { FUZZ_SEED: values.seed } : {}),
  },
});
// Ctrl-C reaches the child as well, which has servers to stop.
process.on("SIGINT", () => undefined).on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
