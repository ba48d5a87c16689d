// The official packages, from the npm registry, unmodified. They are fetched once and kept.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { scratch } from "./environment.mjs";

export const OPENCLAW_VERSION = "2026.9.6";
export const NODE_VERSION = "24.21.0";

// The package `node` only installs one of these with a script; taken directly, nothing has to run.
const NODE_PACKAGE = `node-${process.platform}-${process.arch}`;

const wanted = {
  name: "openclaw-interop",
  private: true,
  dependencies: { openclaw: OPENCLAW_VERSION, [NODE_PACKAGE]: NODE_VERSION },
};

/** The folder with the official program `node`, and the file that it has to run. */
export const nodeFolder = join(scratch, "node_modules", NODE_PACKAGE, "bin");
export const program = join(scratch, "node_modules/openclaw/openclaw.mjs");

/** The files of the official Control UI. */
export const controlUiFolder = join(scratch, "node_modules/openclaw/dist/control-ui");

/** Installs what is missing. Scripts of packages never run. */
export function installPackages() {
  const marker = join(scratch, "installed.json");
  const text = JSON.stringify(wanted);
  if (existsSync(marker) && readFileSync(marker, "utf8") === text) return;
  mkdirSync(scratch, { recursive: true });
  writeFileSync(join(scratch, "package.json"), text);
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
  const { status } = spawnSync("npm", ["install", ...flags], { cwd: scratch, stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error("npm could not install the official packages");
  writeFileSync(marker, text);
}
