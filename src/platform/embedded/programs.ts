import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { StartError } from "../start-error.ts";
import { runCommand } from "./commands.ts";

/** A program, and the Debian package that has it. */
export interface WantedProgram {
  program: string;
  package: string;
}

const APT_TIMEOUT_MS = 10 * 60_000;
const APT_INSTALL = ["install", "-y", "--no-install-recommends"];

/**
 * Makes sure that programs are installed. Where some are missing, root on Debian or Ubuntu gets
 * their packages from apt-get; everybody else gets a StartError with the command to type.
 */
export async function ensurePrograms(wanted: WantedProgram[], log: (line: string) => void): Promise<void> {
  const missing = missingOf(wanted);
  if (missing.length === 0) return;
  if (!findProgram("apt-get")) throw cannotInstall(missing);
  const packages = [...new Set(missing.map((each) => each.package))];
  if (process.getuid?.() !== 0) throw mustInstall(packages);
  await install(packages, log);
  const stillMissing = missingOf(wanted);
  if (stillMissing.length > 0) throw cannotInstall(stillMissing);
}

/** The path of a program, looked for where root's programs are as well, or undefined. */
export function findProgram(name: string): string | undefined {
  return searchPath()
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** The environment for programs that are not part of the app: a full search path and no secrets. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const { TMPDIR, http_proxy, https_proxy, no_proxy } = process.env;
  return { PATH: searchPath().join(delimiter), LC_ALL: "C.UTF-8", TMPDIR, http_proxy, https_proxy, no_proxy };
}

function missingOf(wanted: WantedProgram[]): WantedProgram[] {
  return wanted.filter((each) => !findProgram(each.program));
}

// A plain user's search path often lacks the folders where Debian puts servers.
function searchPath(): string[] {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return [
    ...new Set([...folders, "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]),
  ];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

async function install(packages: string[], log: (line: string) => void): Promise<void> {
  log(`Installing ${packages.join(", ")} with apt-get; this happens once and takes a minute or so.`);
  // A failed update need not matter: the lists that are there may still do.
  await apt(["update"]);
  const { succeeded, output } = await apt([...APT_INSTALL, ...packages]);
  if (succeeded) return;
  for (const line of output.split("\n")) log(line);
  throw new StartError(
    `apt-get could not install ${packages.join(", ")}: put right what it says above, then start again.`,
  );
}

function apt(args: string[]): ReturnType<typeof runCommand> {
  return runCommand("apt-get", ["-o", "DPkg::Lock::Timeout=120", ...args], {
    // Ubuntu's needrestart would restart services that have nothing to do with us.
    env: { ...plainEnvironment(), DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_SUSPEND: "1" },
    timeoutMs: APT_TIMEOUT_MS,
    killSignal: "SIGTERM",
  });
}

function mustInstall(packages: string[]): StartError {
  const command = ["apt-get", ...APT_INSTALL, ...packages].join(" ");
  return new StartError(
    `Some programs are missing. Install them with: sudo apt-get update && sudo ${command}`,
  );
}

function cannotInstall(missing: WantedProgram[]): StartError {
  const names = missing.map((each) => each.program).join(", ");
  return new StartError(`These programs are missing: ${names}. Install them, then start again.`);
}
