/** What an acknowledgement may say when something is refused; part of the protocol. */
export type ErrorCode =
  | "invalid"
  | "unauthorized"
  | "not_found"
  | "conflict"
  | "too_large"
  | "too_many"
  | "unavailable"
  | "unknown"
  | "forbidden";

const STATUS: Record<ErrorCode, number> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  too_many: 429,
  unavailable: 503,
  unknown: 503,
};

/**
 * A refusal with a reason for the person: `key` names a sentence in the catalogues, `values` fill its
 * placeholders. Everything else that is thrown counts as a fault of ours and is logged.
 */
export class Refusal extends Error {
  override name = "Refusal";
  readonly code: ErrorCode;
  readonly key: string;
  readonly values: Record<string, string | number>;

  constructor(code: ErrorCode, key: string, values: Record<string, string | number> = {}, cause?: unknown) {
    super(key, { cause });
    this.code = code;
    this.key = key;
    this.values = values;
  }

  /** The HTTP status that says the same. */
  get status(): number {
    return STATUS[this.code];
  }

  /** Seconds after which the same may be tried again; null where nobody can say. */
  get retryAfterS(): number | null {
    const { retryAfterS } = this.values;
    return typeof retryAfterS === "number" ? retryAfterS : null;
  }
}

/** Shorthands for refusals that several features share. */
export const notFound = () => new Refusal("not_found", "errors.404.message");
export const overtaken = () => new Refusal("conflict", "errors.409.message");
export const unavailable = (cause?: unknown) => new Refusal("unavailable", "errors.503.message", {}, cause);
/** `key` names a sentence with `{when}`, which becomes "in 12 minutes". */
export const tooMany = (retryAfterS: number, key = "errors.429.message") =>
  new Refusal("too_many", key, { retryAfterS });
export const unauthorized = () => new Refusal("unauthorized", "chat.error.unauthorized");
