import type { RequestHandler } from "express";
import { z } from "zod";
import { createApp } from "../../src/app.ts";
import { configure } from "../../src/platform/config.ts";
import { events } from "../../src/realtime/handlers.ts";

/** What the app really serves, by looking into it rather than by asking it. */

/** What Express keeps of each `use` and each route. */
const layerSchema = z.object({
  name: z.string(),
  rawPath: z.unknown(),
  handle: z.unknown(),
  route: z
    .object({
      path: z.string().or(z.string().array()),
      stack: z.object({ method: z.string().optional() }).array(),
    })
    .optional(),
});

/** Every route of the app as `METHOD /path`. @throws Error for a handler under a path that is no route */
export async function routesOf(environment: Record<string, string>): Promise<string[]> {
  configure(environment);
  const nothing: RequestHandler = (_request, _response, next) => next();
  const app = await createApp({ files: {}, inputs: "" }, nothing);
  return app.router.stack.flatMap(routesIn).sort();
}

function routesIn(layer: unknown): string[] {
  const { name, rawPath, handle, route } = layerSchema.parse(layer);
  if (route) {
    const methods = new Set(route.stack.map(({ method }) => (method ?? "all").toUpperCase()));
    return [route.path].flat().flatMap((path) => [...methods].map((method) => `${method} ${path}`));
  }
  // Under a path of its own a handler would be a route that nobody finds here.
  if (rawPath !== "/") throw new Error(`${name} is used under ${String(rawPath)}: make it a route`);
  const isRouter = typeof handle === "function" && "stack" in handle && Array.isArray(handle.stack);
  return isRouter ? z.unknown().array().parse(Reflect.get(handle, "stack")).flatMap(routesIn) : [];
}

/** Every event that a socket listens to. */
export const eventsOf = (): string[] => [...events].sort();
