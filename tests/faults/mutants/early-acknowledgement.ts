import { rewrite } from "./rewrite.ts";

/** Answers at once and commits half a second later. */
rewrite("/src/platform/db.ts", [
  ['[...statements, { sql: "COMMIT", values: [] }]', '[...statements, { sql: "DO 0", values: [] }]'],
  [
    "return outcomes.slice(0, -1);",
    'setTimeout(() => command(connection, "COMMIT").catch(() => undefined), 500); return outcomes.slice(0, -1);',
  ],
]);
