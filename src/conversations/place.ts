import { z } from "zod";
import { Refusal } from "../platform/errors.ts";
import type { SuffixPlace, TalkPlace } from "./people.queries.ts";

/** Where a page of the list ends: in the conversations, among the names, or among parts of names. */
export type Place =
  | ({ kind: "talk" } & TalkPlace)
  | { kind: "name"; key: string }
  | ({ kind: "part" } & SuffixPlace);

/** The last millisecond a DATETIME can hold. */
const TIME_MAX = Date.UTC(10_000, 0) - 1;
const time = z.number().int().min(0).max(TIME_MAX);
const id = z.number().int().min(0);

const schema = z.union([
  z.tuple([z.literal("talk"), time, id]),
  z.tuple([z.literal("name"), z.string().max(128)]),
  z.tuple([z.literal("part"), z.string().max(128), id]),
]);

/** A place as text for an address. */
export function placeText(place: Place): string {
  return Buffer.from(JSON.stringify(fields(place))).toString("base64url");
}

function fields(place: Place): z.infer<typeof schema> {
  if (place.kind === "talk") return ["talk", place.at.getTime(), place.conversationId];
  return place.kind === "name" ? ["name", place.key] : ["part", place.suffix, place.userId];
}

/** @throws Refusal `invalid` for a text that is no place */
export function parsePlace(text: string): Place {
  try {
    const found = schema.parse(JSON.parse(Buffer.from(text, "base64url").toString()));
    if (found[0] === "name") return { kind: "name", key: found[1] };
    if (found[0] === "part") return { kind: "part", suffix: found[1], userId: found[2] };
    return { kind: "talk", at: new Date(found[1]), conversationId: found[2] };
  } catch (error) {
    throw new Refusal("invalid", "errors.400.message", {}, error);
  }
}
