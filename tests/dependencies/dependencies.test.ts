import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { faultsOf, isBelow, type Package, readPackages, readRules } from "./dependencies.ts";

const run = promisify(execFile);
const rules = await readRules();
const packages = await readPackages();
const fine: Package = { name: "ws", version: "8.21.3", integrity: "sha512-x", license: "MIT" };

test("every package in the lockfile has an integrity, a known licence and no known fault", () => {
  assert.ok(packages.length > 200);
  assert.deepEqual(faultsOf(packages, rules), []);
});

test("a package below the version that mended a fault is told with the fault", () => {
  for (const version of ["8.17.0", "7.99.9", "0.0.1", "8.17.1-beta.1"]) {
    const [fault = "", ...more] = faultsOf([{ ...fine, version }], rules);
    assert.deepEqual(more, []);
    assert.match(fault, /^ws .*: needs 8\.17\.1 or later \(CVE-2024-37890/);
  }
  for (const version of ["8.17.1", "8.17.10", "9.0.0", "10.0.0"]) {
    assert.deepEqual(faultsOf([{ ...fine, version }], rules), []);
  }
  assert.equal(isBelow("10.0.0", "9.9.9"), false);
});

test("a package under an unknown licence, or without an integrity, is told", () => {
  const { license: _, ...unlicensed } = fine;
  assert.match(faultsOf([unlicensed], rules).join(), /licence none is not in the list/);
  assert.match(faultsOf([{ ...fine, license: "SSPL-1.0" }], rules).join(), /licence SSPL-1\.0/);
  assert.deepEqual(faultsOf([{ ...fine, license: "(SSPL-1.0 OR MIT)" }], rules), []);
  const { integrity: __, ...unproven } = fine;
  assert.match(faultsOf([unproven], rules).join(), /no sha512/);
});

test("packages come from the registry alone, and none may run a script when it is installed", async () => {
  const outside = packages.filter(
    ({ resolved }) => resolved !== undefined && !resolved.startsWith("https://registry."),
  );
  assert.deepEqual(outside, []);
  assert.match(await readFile(".npmrc", "utf8"), /^ignore-scripts=true$/m);
  const own = JSON.parse(await readFile("package.json", "utf8"));
  const withScripts = packages.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name);
  assert.deepEqual([...new Set(withScripts)].sort(), Object.keys(own.allowScripts).sort());
  assert.deepEqual([...new Set(Object.values(own.allowScripts))], [false]);
  const versions = Object.values({ ...own.dependencies, ...own.devDependencies });
  for (const version of versions) assert.match(String(version), /^\d+(\.\d+\.\d+)?$/, "exact");
});

test("the bill of materials names every package, with its licence", async () => {
  const { stdout } = await run("npm", ["sbom", "--sbom-format=cyclonedx", "--package-lock-only"], {
    maxBuffer: 32 * 1024 * 1024,
  });
  const { bomFormat, components }: { bomFormat: string; components: { name: string; group?: string }[] } =
    JSON.parse(stdout);
  assert.equal(bomFormat, "CycloneDX");
  const named = new Set(components.map(({ name, group }) => (group ? `${group}/${name}` : name)));
  for (const { name } of packages) assert.ok(named.has(name), name);
});
