import { faultsOf, readPackages, readRules } from "./dependencies.ts";

/** `npm run check:dependencies`: fails with a line for each package that is too old, or under an unknown licence. */
const packages = await readPackages();
const faults = faultsOf(packages, await readRules());
for (const fault of faults) console.error(fault);
if (faults.length === 0)
  console.log(`${packages.length} packages: versions, licences and integrity are fine`);
process.exitCode = faults.length === 0 ? 0 : 1;
