import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";
import { eventually } from "../support/person.ts";

/** The nginx of the documentation, really started. */

const run = promisify(execFile);
const CONFIGURATION = new URL("../../docs/nginx.conf", import.meta.url);

/** An nginx that can be run, or the reason why there is none. */
export async function findNginx(folder: string): Promise<{ program: string } | { reason: string }> {
  const installed = ["/usr/sbin/nginx", "/usr/local/sbin/nginx"].find(existsSync);
  if (installed) return { program: installed };
  try {
    return await checked(await unpackNginx(folder));
  } catch (error) {
    return { reason: `no nginx here, and none to be had: ${error instanceof Error ? error.message : error}` };
  }
}

/** Debian's package, unpacked and not installed: that would start a service for the whole machine. */
async function unpackNginx(folder: string): Promise<string> {
  const place = { cwd: folder };
  await run("apt-get", ["download", "nginx"], place).catch(async () => {
    await run("apt-get", ["update"], place);
    await run("apt-get", ["download", "nginx"], place);
  });
  const [file] = await Array.fromAsync(glob("nginx_*.deb", place));
  await run("dpkg", ["-x", file ?? "", "nginx"], place);
  return join(folder, "nginx/usr/sbin/nginx");
}

async function checked(program: string): Promise<{ program: string } | { reason: string }> {
  const { stdout } = await run("ldd", [program]);
  const missing = /^.*not found.*$/m.exec(stdout);
  return missing ? { reason: `nginx lacks a library: ${missing[0].trim()}` } : { program };
}

export interface Certificate {
  file: string;
  key: string;
  pem: string;
}

/** A certificate for localhost, signed by itself. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const [file, key] = [join(folder, "localhost.pem"), join(folder, "localhost.key")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  await run("openssl", ["req", "-x509", ...kind, ...subject, "-out", file, "-keyout", key]);
  return { file, key, pem: readFileSync(file, "utf8") };
}

export interface Proxy {
  https: number;
  http: number;
  /** The ports of the two nodes. */
  nodes: [number, number];
}

/** Starts nginx with the documented file, in which only names, ports and paths are others; ends it afterwards. */
export async function startNginx(program: string, folder: string, certificate: Certificate, proxy: Proxy) {
  mkdirSync(folder);
  writeFileSync(
    join(folder, "nginx.conf"),
    adapt(readFileSync(CONFIGURATION, "utf8"), folder, certificate, proxy),
  );
  const child = spawn(program, ["-p", folder, "-c", join(folder, "nginx.conf"), "-g", "daemon off;"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (data) => {
    said += String(data);
  });
  after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  });
  await eventually(
    async () => {
      if (child.exitCode !== null) throw new Error(`nginx ended: ${said}`);
      return listens(proxy.https);
    },
    "nginx serves",
    10_000,
  );
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function adapt(
  text: string,
  folder: string,
  { file, key }: Certificate,
  { https, http, nodes }: Proxy,
): string {
  const changes: [string, string][] = [
    ["user www-data;", process.getuid?.() === 0 ? "user root;" : ""],
    ["/run/nginx.pid", join(folder, "nginx.pid")],
    ["worker_rlimit_nofile 32768;", ""],
    ["worker_processes auto;", "worker_processes 2;"],
    ["worker_connections 8192;", "worker_connections 256;"],
    ["/var/log/nginx/", `${folder}/`],
    ["http {", `http { ${temporaryPaths(folder)}`],
    ["listen [::]:", "# listen [::]:"],
    ["listen 80", `listen 127.0.0.1:${http}`],
    ["listen 443", `listen 127.0.0.1:${https}`],
    ["https://chat.example.org", `https://localhost:${https}`],
    ["/etc/ssl/chat.example.org.pem", file],
    ["/etc/ssl/chat.example.org.key", key],
    ["chat.example.org", "localhost"],
    ["10.0.0.11:3000", `127.0.0.1:${nodes[0]}`],
    ["10.0.0.12:3000", `127.0.0.1:${nodes[1]}`],
  ];
  const lines = text.replaceAll(/^\s*#.*$/gm, "");
  return changes.reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`docs/nginx.conf no longer has: ${from}`);
    return changed.replaceAll(from, () => to);
  }, lines);
}

/** Debian's nginx would use folders under /var/lib. */
function temporaryPaths(folder: string): string {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return kinds.map((kind) => `${kind}_temp_path ${join(folder, kind)};`).join(" ");
}
