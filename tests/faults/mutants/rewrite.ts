import { registerHooks } from "node:module";

/**
 * Rewrites the source of one module as it is loaded. Lives here so that no switch for breaking a promise exists
 * in the app itself.
 *
 * @param changes pairs of a text that must stand in the source and what takes its place
 * @throws Error when a text is not there: the mutant would then prove nothing
 */
export function rewrite(module: string, changes: [string, string][]): void {
  registerHooks({
    load(url, context, nextLoad) {
      const result = nextLoad(url, context);
      if (!url.endsWith(module)) return result;
      let source = String(result.source);
      for (const [before, after] of changes) {
        if (!source.includes(before)) throw new Error(`${module} has no ${before}`);
        source = source.replace(before, after);
      }
      return { ...result, source };
    },
  });
}
