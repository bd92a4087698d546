import type { IncomingMessage } from "node:http";
import type { RequestHandler } from "express";
import helmet from "helmet";
import { config } from "./config.ts";
import { Refusal } from "./errors.ts";

/** Headers that tell browsers what this site never does. */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["causerie"],
        // Over plain http on a home network this would send every address to a port nobody serves.
        ...(config.https ? { "upgrade-insecure-requests": [] } : {}),
      },
    },
    strictTransportSecurity: config.https ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    // Not no-referrer: browsers would then send `Origin: null` with our own forms.
    referrerPolicy: { policy: "same-origin" },
    crossOriginOpenerPolicy: config.https ? { policy: "same-origin" } : false,
    originAgentCluster: config.https,
    xFrameOptions: { action: "deny" },
    // For browsers of long ago, and part of the weight of every answer.
    ...{ xDnsPrefetchControl: false, xDownloadOptions: false, xPermittedCrossDomainPolicies: false },
    xXssProtection: false,
  });
}

/** What pages may not use even if a script got in. */
export const permissionsPolicy: RequestHandler = (_request, response, next) => {
  response.set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()");
  next();
};

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Refuses unsafe requests that another site made a browser send. @throws Refusal `forbidden` */
export const sameOriginOnly: RequestHandler = (request, _response, next) => {
  if (!SAFE_METHODS.has(request.method) && !isSameOrigin(request)) {
    throw new Refusal("forbidden", "errors.403.message");
  }
  next();
};

/**
 * Sec-Fetch-Site says it outright; browsers leave it out over plain http, and then Origin must be ours. A
 * request with neither is refused: every browser sends one of them with a form or a script's post.
 */
function isSameOrigin(request: IncomingMessage): boolean {
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin";
  return isOwnOrigin(request);
}

/** Whether the Origin header names this site; false without one. */
export function isOwnOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined || !URL.canParse(origin)) return false;
  if (config.publicOrigin !== null) return new URL(origin).origin === config.publicOrigin;
  return new URL(origin).host === host;
}
