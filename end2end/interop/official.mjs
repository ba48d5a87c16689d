// The official program on a machine of its own: a home, its settings, its commands, and its node host.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { finish, makeFolder, start, stop } from "../support/processes.mjs";
import { soon } from "./expect.mjs";
import { nodeFolder, program } from "./packages.mjs";

const node = join(nodeFolder, "node");

export class Official {
  /** With `settings`, the program finds them in its home, as a user would have written them. */
  constructor(settings) {
    this.home = makeFolder();
    this.state = join(this.home, ".openclaw");
    mkdirSync(this.state, { mode: 0o700 });
    // Nothing may look for updates, because only this machine is spoken to, and nothing may be left behind in /tmp.
    const quiet = {
      update: { checkOnStart: false },
      discovery: { mdns: { mode: "off" } },
      logging: { file: join(this.home, "openclaw.log") },
    };
    writeFileSync(join(this.state, "openclaw.json"), JSON.stringify({ ...quiet, ...settings }), { mode: 0o600 });
    this.env = {
      HOME: this.home,
      OPENCLAW_STATE_DIR: this.state,
      PATH: `${nodeFolder}:/usr/bin:/bin`,
      NO_COLOR: "1",
      CI: "true",
      OPENCLAW_NO_AUTO_UPDATE: "1",
      OPENCLAW_DISABLE_BONJOUR: "1",
    };
  }

  /** The command line of the gateway's owner, which finds the gateway by its settings. */
  static beside(gateway, settings = {}) {
    const auth = { mode: "token", token: gateway.token };
    return new Official({ gateway: { mode: "local", port: gateway.port, auth }, ...settings });
  }

  /** Runs a command to its end. */
  run(...args) {
    return finish(start(node, [program, ...args], this.env));
  }

  /** Runs a command that has to succeed and to answer in JSON. */
  async json(...args) {
    const { code, stdout, stderr } = await this.run(...args, "--json");
    if (code !== 0) throw new Error(`openclaw ${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    try {
      return JSON.parse(stdout);
    } catch {
      throw new Error(`openclaw ${args.join(" ")} did not answer in JSON:\n${stdout}${stderr}`);
    }
  }

  /** Starts a command that stays, as a node host does. */
  launch(args, env = {}) {
    return new Running(start(node, [program, ...args], { ...this.env, ...env }));
  }

  /** Starts the node host. `token` is the gateway's secret; without it only a stored device token is left. */
  nodeHost(port, name, token) {
    const args = ["node", "run", "--host", "127.0.0.1", "--port", String(port), "--display-name", name];
    return this.launch(args, token ? { OPENCLAW_GATEWAY_TOKEN: token } : {});
  }
}

/** A program that is still running, and every line that it said. */
export class Running {
  lines = [];

  constructor(child) {
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      let rest = "";
      stream.on("data", (text) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop();
        this.lines.push(...lines);
      });
    }
  }

  get isRunning() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  count(pattern) {
    return this.lines.filter((line) => pattern.test(line)).length;
  }

  /** Waits until it said something for the `times`th time. */
  async says(pattern, times = 1) {
    const hasSaid = () => this.count(pattern) >= times;
    await soon(`it says ${pattern}`, () => hasSaid() || !this.isRunning).catch(() => {});
    if (hasSaid()) return;
    const state = this.isRunning ? "it still runs" : "it has ended";
    throw new Error(`it did not say ${pattern}; ${state}, and said:\n${this.lines.join("\n")}`);
  }

  async ends() {
    await soon("it ends", () => !this.isRunning);
    return this.child.exitCode;
  }

  stop() {
    return stop(this.child);
  }
}
