import { rewrite } from "./rewrite.ts";

/** No unique key over clientIds, and nobody looks whether one was sent before. */
rewrite("/src/messages/write-drafts.ts", [
  ["new Map((await findSent(tx, drafts)).map((row) => [keyOf(row), row]))", "new Map<string, SentRow>()"],
]);
rewrite("/src/platform/migrate.ts", [
  ["split(/;\\s*$/m)", 'replace("UNIQUE KEY messages_client_id", "KEY messages_client_id").split(/;\\s*$/m)'],
]);
