import { rewrite } from "./rewrite.ts";

/** Answers at once and commits half a second later. */
rewrite("/src/platform/db.ts", [
  ['.join("; ")}; COMMIT`', '.join("; ")}; DO 0`'],
  [
    "return outcomes.slice(0, -1);",
    'setTimeout(() => command(connection, "COMMIT").catch(() => undefined), 500); return outcomes.slice(0, -1);',
  ],
]);
