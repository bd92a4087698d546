import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";

/** What axe, the usual checker of accessibility, says of our pages. */

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Everything axe finds wrong with a page as it stands. */
async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const results = await page.evaluate<AxeResults>("axe.run({ resultTypes: ['violations'] })");
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(
      (node) => `${new URL(page.url()).pathname}: ${id} at ${node.target.join()}: ${node.failureSummary}`,
    ),
  );
}

/** Looks at a page in light and in dark. */
export async function inBothThemes(page: Page): Promise<string[]> {
  const faults: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    faults.push(...(await faultsOf(page)).map((fault) => `${colorScheme} ${fault}`));
  }
  return faults;
}

/** What a browser complains about where a page of ours is an error. */
export const isExpected = (complaint: string) => /status of 4\d\d/.test(complaint);
