import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import compression from "compression";
import express, { type Express, type RequestHandler, type Response } from "express";
import { accountsRoutes } from "./accounts/accounts.routes.ts";
import { administrationRoutes } from "./administration/administration.routes.ts";
import { handoverRoutes } from "./administration/handover.routes.ts";
import { authRoutes } from "./auth/auth.routes.ts";
import { secondStepRoutes } from "./auth/second-step.routes.ts";
import { peopleRoutes } from "./conversations/people.routes.ts";
import { messagesRoutes } from "./messages/messages.routes.ts";
import { serveAssets } from "./platform/assets.ts";
import type { Manifest } from "./platform/build.ts";
import { config } from "./platform/config.ts";
import { anonymousContext, viewerContext } from "./platform/context.ts";
import { countRequest } from "./platform/draining.ts";
import { nothingHere, showError } from "./platform/error-pages.ts";
import { alive, ready } from "./platform/health.ts";
import { measure, serveMetrics } from "./platform/metrics.ts";
import { sameOriginOnly, securityHeaders } from "./platform/security.ts";
import { useViews } from "./platform/views.ts";
import { resetsRoutes } from "./resets/resets.routes.ts";
import { sessionsRoutes } from "./sessions/sessions.routes.ts";
import { twoStepRoutes } from "./two-step/two-step.routes.ts";
import { AVATAR_ROUTE, serveAvatar } from "./users/avatars.ts";
import { seenRoutes } from "./users/seen.routes.ts";
import { settingsRoutes } from "./users/settings.routes.ts";

const PUBLIC = fileURLToPath(new URL("../public", import.meta.url));
const keepForADay = (response: Response) => response.set("Cache-Control", "public, max-age=86400");
const BODY_BYTES_MAX = 65_536;
const BODY_FIELDS_MAX = 20;

/** The map: every request passes these in this order; below stands one line a feature. */
export async function createApp(manifest: Manifest, sessions: RequestHandler): Promise<Express> {
  const app = express();
  app.disable("x-powered-by").disable("etag");
  if (config.trustProxy !== null) app.set("trust proxy", config.trustProxy);
  useViews(app);

  app.use(countRequest, measure, securityHeaders(), await serveAssets(manifest));
  app.use(anonymousContext);
  app.get("/healthz", alive);
  app.get("/readyz", ready);
  app.get("/metrics", serveMetrics);
  app.use(publicFiles());
  app.get(AVATAR_ROUTE, serveAvatar);

  app.use(compression());
  app.use(sameOriginOnly);
  app.use(express.urlencoded({ extended: false, limit: BODY_BYTES_MAX, parameterLimit: BODY_FIELDS_MAX }));
  app.use(express.json({ limit: BODY_BYTES_MAX }));
  app.use(sessions, viewerContext);

  // Those that are asked for most often come first: each is tried in turn.
  app.use(messagesRoutes);
  app.use(peopleRoutes);
  app.use(seenRoutes);
  app.use(authRoutes);
  app.use(secondStepRoutes);
  app.use(resetsRoutes);
  app.use(accountsRoutes);
  app.use(sessionsRoutes);
  app.use(twoStepRoutes);
  app.use(settingsRoutes);
  app.use(administrationRoutes);
  app.use(handoverRoutes);

  app.use(nothingHere, showError);
  return app;
}

/** The files that lie in public/ at the start: to look for each path on the disk would cost more than a page. */
function publicFiles(): RequestHandler {
  const entries = readdirSync(PUBLIC, { withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = new Set(entries.map(({ name }) => `/${name}`));
  const serve = express.static(PUBLIC, { cacheControl: false, setHeaders: keepForADay });
  return (request, response, next) => (paths.has(request.path) ? serve(request, response, next) : next());
}
