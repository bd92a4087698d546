import { rewrite } from "./rewrite.ts";

/** No unique key over clientIds: nothing tells that one was sent before. */
rewrite("/src/platform/migrate.ts", [
  ["split(/;\\s*$/m)", 'replace("UNIQUE KEY messages_client_id", "KEY messages_client_id").split(/;\\s*$/m)'],
]);
