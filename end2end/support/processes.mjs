// Programs that tests start, and folders that they make. None outlives the tests, whatever becomes of them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** Longer than anything here takes, even on a busy machine. In milliseconds. */
export const PATIENCE = 20_000;

const running = new Set();
const folders = [];

/** Starts a program; its output comes in pipes, as text. */
export function start(program, args, env, stdin = "ignore") {
  const child = spawn(program, args, { env, stdio: [stdin, "pipe", "pipe"] });
  child.stdout.setEncoding("utf8");
  child.stderr.setEncoding("utf8");
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** Ends a program and waits until it is gone. */
export async function stop(child, signal = "SIGTERM") {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  await gone;
}

/** Waits for a program to end, and tells how it did and what it said. */
export async function finish(child) {
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (text) => (said.stdout += text));
  child.stderr.on("data", (text) => (said.stderr += text));
  const [code] = await once(child, "close");
  return { code, ...said };
}

/** Asks again and again until there is a truthy answer, and returns it. */
export async function until(what, probe) {
  for (const deadline = Date.now() + PATIENCE; ; await pause(20)) {
    const answer = await probe();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
  }
}

/** An empty folder. Its path is short: the gateway's owner socket has to fit into it. */
export function makeFolder() {
  const folder = mkdtempSync(join(tmpdir(), "openclaw-"));
  folders.push(folder);
  return folder;
}

/** A port of this machine that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Whether somebody listens on a port of this machine. */
export async function answers(port) {
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

process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
