import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { build, type Plugin } from "esbuild";

/** Builds what browsers load: public/build/, with a hash in each name, and beside each file its compressed forms. */

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const OUTPUT = join(ROOT, "public/build");
const INPUTS = [
  "src/browser",
  "src/styles",
  "src/realtime/events.ts",
  "src/platform/build.ts",
  "views",
  "tailwind.config.js",
  "package-lock.json",
];

/** Built names by the names templates use: `app.css` to `app-3f2a….css`. */
export interface Manifest {
  /** Hash of everything the build was made from. */
  inputs: string;
  files: Record<string, string>;
}

/** Builds unless what is there was made from the same sources. */
export async function buildAssets(): Promise<Manifest> {
  const inputs = await hashInputs();
  const built = await readManifest();
  if (built?.inputs === inputs) return built;
  await mkdir(OUTPUT, { recursive: true });
  const [script, styles] = await Promise.all([buildScript(), buildStyles()]);
  const files = { "app.js": await store("app", "js", script), "app.css": await store("app", "css", styles) };
  await removeOthers(Object.values(files));
  const manifest = { inputs, files };
  await writeFile(join(OUTPUT, "manifest.json.new"), JSON.stringify(manifest));
  await rename(join(OUTPUT, "manifest.json.new"), join(OUTPUT, "manifest.json"));
  return manifest;
}

async function readManifest(): Promise<Manifest | null> {
  try {
    return JSON.parse(await readFile(join(OUTPUT, "manifest.json"), "utf8"));
  } catch {
    return null;
  }
}

async function hashInputs(): Promise<string> {
  const hash = createHash("sha256");
  for (const file of (await Promise.all(INPUTS.map(filesIn))).flat()) {
    hash
      .update(file)
      .update("\0")
      .update(await readFile(join(ROOT, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

async function filesIn(path: string): Promise<string[]> {
  if (/\.\w+$/.test(path)) return [path];
  const entries = await readdir(join(ROOT, path), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length)).sort();
}

async function buildScript(): Promise<Buffer> {
  const result = await build({
    entryPoints: [join(ROOT, "src/browser/app.ts")],
    ...{ bundle: true, minify: true, write: false, format: "esm", target: "es2022", legalComments: "none" },
    plugins: [webSocketOnly],
  });
  return Buffer.from(result.outputFiles[0]?.contents ?? []);
}

/** The server speaks WebSocket only; Socket.IO's other ways to it would be a tenth of the script's weight. */
const webSocketOnly: Plugin = {
  name: "websocket-only",
  setup: ({ onLoad }) => {
    onLoad({ filter: /engine\.io-client\/build\/esm\/transports\/index\.js$/ }, () => ({
      contents: `import { WS } from "./websocket.js"; export const transports = { websocket: WS };`,
    }));
  },
};

async function buildStyles(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "causerie-styles-"));
  const output = join(folder, "app.css");
  const tailwind = join(ROOT, "node_modules/.bin/tailwindcss");
  try {
    await promisify(execFile)(tailwind, ["--input", "src/styles/app.css", "--output", output, "--minify"], {
      cwd: ROOT,
    });
    return await readFile(output);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function store(name: string, extension: string, content: Buffer): Promise<string> {
  const hash = createHash("sha256").update(content).digest("base64url").slice(0, 10);
  const file = `${name}-${hash}.${extension}`;
  const brotli = await promisify(brotliCompress)(content, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11 },
  });
  await writeFile(join(OUTPUT, file), content);
  await writeFile(join(OUTPUT, `${file}.br`), brotli);
  await writeFile(join(OUTPUT, `${file}.gz`), await promisify(gzip)(content, { level: 9 }));
  return file;
}

async function removeOthers(kept: string[]): Promise<void> {
  const files = (await readdir(OUTPUT)).filter((file) => /\.(js|css)(\.br|\.gz)?$/.test(file));
  const stale = files.filter((file) => !kept.includes(file.replace(/\.(br|gz)$/, "")));
  await Promise.all(stale.map((file) => rm(join(OUTPUT, file), { force: true })));
}

if (import.meta.main) {
  const { files } = await buildAssets();
  console.log(`built ${Object.values(files).join(", ")}`);
}
