import { rewrite } from "./rewrite.ts";

/** Answers at once and commits half a second later, on a connection that nobody else gets before. */
rewrite("/src/platform/db.ts", [
  ['[...statements, { sql: "COMMIT", values: [] }]', '[...statements, { sql: "DO 0", values: [] }]'],
  [
    "return outcomes.slice(0, -1);",
    'setTimeout(() => command(connection, "COMMIT").catch(() => undefined), 500); return outcomes.slice(0, -1);',
  ],
  [
    "    connection.release();\n  }",
    "    if (from === shortPool) setTimeout(() => connection.release(), 600);\n    else connection.release();\n  }",
  ],
]);
