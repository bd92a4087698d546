import { IncomingMessage, ServerResponse, STATUS_CODES } from "node:http";
import { Socket } from "node:net";
import type { RequestHandler } from "express";
import helmet from "helmet";
import { config } from "./config.ts";
import { Refusal } from "./errors.ts";

/**
 * Headers that tell browsers what this site never does, and that nobody keeps an answer unless its route says
 * otherwise. Computed once: helmet would compute them for every request.
 */
export function securityHeaders(): RequestHandler {
  const setHeaders = headerSetter();
  return (_request, response, next) => {
    setHeaders(response);
    next();
  };
}

/** The same for answers that the app does not make. */
export function headerSetter(): (response: ServerResponse) => void {
  const headers = Object.entries(safeHeaders());
  return (response) => {
    for (const [name, value] of headers) response.setHeader(name, value);
  };
}

/** A whole answer without a body and with the same headers, for a connection that is then closed. */
export function bareAnswer(status: number, retryAfterS?: number): string {
  const headers = {
    ...{ ...safeHeaders(), Connection: "close", "Content-Length": "0" },
    ...(retryAfterS === undefined ? {} : { "Retry-After": String(retryAfterS) }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n`;
}

let made: Record<string, string> | undefined;

function safeHeaders(): Record<string, string> {
  made ??= {
    ...helmetHeaders(),
    "Permissions-Policy": NEVER_USED.map((feature) => `${feature}=()`).join(", "),
    "Cache-Control": "no-store",
  };
  return made;
}

/** What pages may not use even if a script got in. */
const NEVER_USED = [
  ...["camera", "microphone", "geolocation", "display-capture", "midi", "payment"],
  ...["usb", "serial", "hid", "bluetooth"],
];

/** What helmet sets under the settings in force. */
function helmetHeaders(): Record<string, string> {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  helmet({
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
    strictTransportSecurity: config.https
      ? { maxAge: 31_536_000, includeSubDomains: config.hstsSubdomains }
      : false,
    // Not no-referrer: browsers would then send `Origin: null` with our own forms.
    referrerPolicy: { policy: "same-origin" },
    crossOriginOpenerPolicy: config.https ? { policy: "same-origin" } : false,
    crossOriginResourcePolicy: { policy: "same-origin" },
    originAgentCluster: config.https,
    xFrameOptions: { action: "deny" },
    // For browsers and plugins that are gone, at the cost of bytes in every answer.
    ...{ xDownloadOptions: false, xPermittedCrossDomainPolicies: false, xXssProtection: false },
  })(request, response, () => undefined);
  return Object.fromEntries(
    response.getHeaderNames().map((name) => [name, String(response.getHeader(name))]),
  );
}

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
