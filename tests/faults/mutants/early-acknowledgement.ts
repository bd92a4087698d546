import { rewrite } from "./rewrite.ts";

/** Answers at once and commits half a second later. */
rewrite("/src/platform/db.ts", [
  [
    'await answer(connection.query("COMMIT"));',
    'await new Promise((resolve) => { setTimeout(() => { connection.query("COMMIT").catch(() => undefined); }, 500); resolve(undefined); });',
  ],
]);
