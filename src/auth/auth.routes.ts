import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { audit, requestOf } from "../platform/audit.ts";
import { safePath, sentenceOf } from "../platform/context.ts";
import { refusalOf, setRefused, wantsJson } from "../platform/error-pages.ts";
import { Refusal } from "../platform/errors.ts";
import { translate } from "../platform/i18n.ts";
import { readSession } from "../platform/session.ts";
import { beginPending, beginSession, leave } from "../sessions/browser-session.ts";
import { isTwoStepOn } from "../two-step/two-step.ts";
import { usernameKey } from "../users/usernames.ts";
import { type Account, logIn, type Registration, register, WrongLogin } from "./auth.ts";
import { originOf, rememberDevice } from "./guesses.ts";
import { isRegistrationOpen, refuseUninvited } from "./registration.ts";

// Whatever fits into a body reaches the domain, so that a password far too long is told so beside its field.
const credentials = z.object({
  username: z.string().default(""),
  password: z.string().default(""),
  invitation: z.string().max(100).default(""),
  next: z.string().optional(),
});

/** Registering, logging in, logging out. */
export const authRoutes = Router();

authRoutes.get("/register", async (request, response) => {
  if (!response.locals.viewer) await refuseUninvited("");
  await showForm(request, response, "register");
});
authRoutes.get("/invitation/:token", async (request, response) => {
  const invitation = request.params.token.slice(0, 100);
  if (!response.locals.viewer) await refuseUninvited(invitation);
  await showForm(request, response, "register", invitation);
});
authRoutes.get("/login", (request, response) => showForm(request, response, "login"));
authRoutes.post("/register", (request, response) =>
  enter(request, response, "register", (login) => register(login, response.locals.locale)),
);
authRoutes.post("/login", (request, response) => enter(request, response, "login", logIn));

/** Whose session this is: for scripts, to which being logged out is an answer and not an error. */
authRoutes.get("/session", (_request, response) => {
  response.set("Cache-Control", "no-store").json({ userId: response.locals.viewer?.id ?? null });
});

authRoutes.post("/logout", async (request, response) => {
  const { viewer } = response.locals;
  await leave(request, response);
  if (viewer) audit("logout", requestOf(request));
  response.redirect(303, "/login");
});

type Form = "register" | "login";
const AUDITED = {
  register: { done: "registered", refused: "registration_refused" },
  login: { done: "login", refused: "login_failed" },
} as const;
type Enter = (login: Registration) => Promise<Account>;

async function enter(request: Request, response: Response, form: Form, account: Enter): Promise<void> {
  const parsed = credentials.safeParse(request.body);
  if (!parsed.success) throw new Refusal("invalid", "errors.400.message");
  try {
    // While sessions cannot be kept nobody registers either: the name would be taken by somebody told "later".
    await readSession(request.sessionID);
    const entered = await account({ ...parsed.data, origin: originOf(request) });
    response.redirect(303, await admit(request, response, form, entered, parsed.data));
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal) {
      const userId = refusal instanceof WrongLogin ? refusal.userId : undefined;
      audit(AUDITED[form].refused, { ...requestOf(request), userId, reason: refusal.key });
    }
    // A store that is away is told by the error page; what the person can mend is told beside the field.
    if (!refusal?.key.startsWith("auth.") || wantsJson(request)) throw error;
    refuse(response, form, parsed.data, refusal);
  }
}

/** Signs somebody in, or, where their login takes two steps, has them take the second. Returns where to go. */
async function admit(
  request: Request,
  response: Response,
  form: Form,
  account: Account,
  { username, next }: z.infer<typeof credentials>,
): Promise<string> {
  const { userId } = account;
  const nameKey = usernameKey(username);
  if (await isTwoStepOn(userId)) {
    await beginPending(request, { ...account, nameKey, next: safePath(next) });
    audit("two_step_started", { ...requestOf(request), userId });
    return "/login/code";
  }
  await beginSession(request, account);
  rememberDevice(response, nameKey);
  audit(AUDITED[form].done, { ...requestOf(request), userId });
  return safePath(next);
}

async function showForm(request: Request, response: Response, form: Form, invitation = ""): Promise<void> {
  const next = safePath(request.query.next);
  if (response.locals.viewer) response.redirect(303, next);
  else await render(response, form, { username: "", next, invitation }, {});
}

async function refuse(
  response: Response,
  form: Form,
  values: { username: string; invitation: string; next?: string | undefined },
  refusal: Refusal,
): Promise<void> {
  const field = refusal.key.startsWith("auth.error.username")
    ? "username"
    : refusal.key.startsWith("auth.error.password")
      ? "password"
      : "form";
  response.locals.here = `/${form}`;
  setRefused(response, refusal.status, refusal.retryAfterS);
  await render(
    response,
    form,
    { ...values, next: safePath(values.next) },
    { [field]: sentenceOf(response, refusal) },
  );
}

async function render(
  response: Response,
  form: Form,
  { username, next, invitation }: { username: string; next: string; invitation: string },
  errors: Record<string, string>,
): Promise<void> {
  const title = translate(response.locals.locale, `auth.${form}`);
  response.render(`auth/${form}`, {
    values: { username, invitation },
    errors,
    next,
    title,
    registering: form === "register",
    mayRegister: await isRegistrationOpen(),
  });
}
