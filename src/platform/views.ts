import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Express, Response } from "express";
import { ExpressHandlebars } from "express-handlebars";
import { avatarUrl } from "../users/avatars.ts";
import { assetUrl } from "./assets.ts";
import { translate } from "./i18n.ts";

const FOLDER = fileURLToPath(new URL("../../views/", import.meta.url));

interface HelperOptions {
  hash: Record<string, unknown>;
  data: { root: { locale?: string } };
}

const helpers = {
  t: (key: string, { hash, data }: HelperOptions) => translate(data.root.locale ?? "en", key, hash),
  asset: (name: string) => assetUrl(name),
  avatar: (userId: number) => avatarUrl(userId),
  eq: (a: unknown, b: unknown) => a === b,
};

const partials: Record<string, HandlebarsTemplateDelegate> = {};

const engine = new ExpressHandlebars({
  ...{ extname: ".hbs", defaultLayout: "main", helpers, layoutsDir: `${FOLDER}layouts` },
  // Given, or else they would be looked for anew for every page.
  partialsDir: { templates: partials, namespace: "", dir: "", rename: (name: string) => name },
});

for (const file of readdirSync(`${FOLDER}partials`)) {
  const source = readFileSync(`${FOLDER}partials/${file}`, "utf8");
  partials[file.replace(/\.hbs$/, "")] = engine.handlebars.compile(source.trim(), {});
}

/** Makes `response.render` draw views/; templates are compiled once. */
export function useViews(app: Express): void {
  app.engine(".hbs", engine.engine);
  app.set("view engine", ".hbs");
  app.set("views", FOLDER);
  app.enable("view cache");
}

/** A page's markup; `context` has what the view shows, over what every page may use. */
export function renderPage(response: Response, view: string, context: object): Promise<string> {
  return new Promise((resolve, reject) => {
    response.render(view, context, (error, html) => (error ? reject(error) : resolve(html)));
  });
}

/** One partial by itself, as pages include it: for live updates and for lists that grow. */
export function renderPartial(name: string, context: object, root: { locale?: string } = {}): string {
  const template = partials[name];
  if (!template) throw new Error(`there is no partial ${name}`);
  return template(context, { helpers, partials, data: { root } }).trim();
}
