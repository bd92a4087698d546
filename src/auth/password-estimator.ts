import { parentPort } from "node:worker_threads";
import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import { adjacencyGraphs, dictionary } from "@zxcvbn-ts/language-common";
import type { Estimate, Question } from "./password-strength.ts";

/** The worker behind `password-strength.ts`. */

/** A long password takes long to estimate, and its beginning tells enough: 64 characters take at most 60 ms. */
const CHARACTERS_MAX = 64;

const estimator = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs, maxLength: CHARACTERS_MAX });

parentPort?.on("message", ({ id, password, related }: Question) => {
  const { score } = estimator.check(password, related);
  parentPort?.postMessage({ id, score } satisfies Estimate);
});
