import { readFile } from "node:fs/promises";
import { z } from "zod";

/** What must hold of every package that the lockfile names, direct or not. */

const packageSchema = z.object({
  version: z.string(),
  integrity: z.string().optional(),
  resolved: z.string().optional(),
  license: z.string().optional(),
  hasInstallScript: z.boolean().optional(),
});

const lockSchema = z.object({ packages: z.record(z.string(), z.unknown()) });

const rulesSchema = z.object({
  /** The first version without a known fault, and which fault that was. */
  knownFixed: z.record(z.string(), z.tuple([z.string(), z.string()])),
  licences: z.string().array(),
  licencesApart: z.record(z.string(), z.string()),
});

export type Rules = z.infer<typeof rulesSchema>;
export type Package = z.infer<typeof packageSchema> & { name: string };

/** Every installed package by the lockfile at `path`, but this one itself. */
export async function readPackages(path = "package-lock.json"): Promise<Package[]> {
  const { packages } = lockSchema.parse(JSON.parse(await readFile(path, "utf8")));
  const places = Object.entries(packages).filter(([place]) => place !== "");
  return places.map(([place, found]) => ({ ...packageSchema.parse(found), name: nameOf(place) }));
}

const nameOf = (place: string) => place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);

export async function readRules(): Promise<Rules> {
  return rulesSchema.parse(JSON.parse(await readFile("tests/dependencies/rules.json", "utf8")));
}

/** One line for each package that breaks a rule. */
export function faultsOf(packages: Package[], rules: Rules): string[] {
  return packages.flatMap((each) => [
    ...(each.integrity?.startsWith("sha512-") ? [] : [`${each.name}: no sha512 in the lockfile`]),
    ...faultyVersion(each, rules),
    ...faultyLicence(each, rules),
  ]);
}

function faultyVersion({ name, version }: Package, { knownFixed }: Rules): string[] {
  const [fixed, reason] = knownFixed[name] ?? [];
  if (fixed === undefined || !isBelow(version, fixed)) return [];
  return [`${name} ${version}: needs ${fixed} or later (${reason})`];
}

function faultyLicence({ name, license = "none" }: Package, { licences, licencesApart }: Rules): string[] {
  // "A OR B" leaves the choice.
  const isKnown = license
    .replace(/[()]/g, "")
    .split(" OR ")
    .some((each) => licences.includes(each));
  return isKnown || name in licencesApart ? [] : [`${name}: licence ${license} is not in the list`];
}

/** Whether a version comes before another; one that is not released yet comes before its release. */
export function isBelow(version: string, fixed: string): boolean {
  const [left, right] = [numbersOf(version), numbersOf(fixed)];
  const at = left.findIndex((number, index) => number !== right[index]);
  if (at === -1) return version.includes("-") && !fixed.includes("-");
  return (left[at] ?? 0) < (right[at] ?? 0);
}

const numbersOf = (version: string) => (version.split("-")[0] ?? "").split(".").map(Number);
