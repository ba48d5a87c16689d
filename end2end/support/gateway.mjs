// A gateway of its own for each test file: own home, own port, own clock if need be.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { connectProgram } from "./device.mjs";
import { finish, makeFolder, start, stop, until } from "./processes.mjs";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const program = resolve(process.env.OPENCLAW ?? join(checkout, "target/release/openclaw"));
const libfaketime = process.env.LIBFAKETIME ?? join(checkout, ".tools/lib/libfaketime.so.1");

export class Gateway {
  /** Everything the gateway wrote, line by line, over all its lives. */
  log = [];
  printed = "";

  /** Makes a home with `config` in it, or an empty one, and starts a gateway there. */
  static async start({ config, movableClock = false } = {}) {
    const gateway = new Gateway(movableClock);
    if (config) gateway.configure(config);
    await gateway.start();
    return gateway;
  }

  constructor(movableClock) {
    this.home = makeFolder();
    // The commands of the guides begin with `openclaw`, so it has to be on PATH.
    const bin = join(this.home, "bin");
    mkdirSync(bin);
    symlinkSync(program, join(bin, "openclaw"));
    this.env = { HOME: this.home, PATH: `${bin}:${process.env.PATH}` };
    this.clockFile = movableClock ? join(this.home, "clock") : undefined;
  }

  configure(config) {
    mkdirSync(join(this.home, ".openclaw"), { mode: 0o700, recursive: true });
    writeFileSync(this.configFile, JSON.stringify(config), { mode: 0o600 });
  }

  get configFile() {
    return join(this.home, ".openclaw/openclaw.json");
  }

  /** The token that the gateway made for itself. Its file may hold comments, so it is not read as JSON. */
  get token() {
    return /\btoken"?\s*:\s*"([^"]+)"/.exec(readFileSync(this.configFile, "utf8"))[1];
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid() {
    return this.process.pid;
  }

  /** Starts it, or starts it again on the port it had. Returns when it printed its owner link. */
  async start() {
    const args = ["gateway", "--port", String(this.port ?? 0), "--show-owner-link"];
    this.printed = "";
    this.process = start(program, args, { ...this.env, ...this.clockSettings() });
    this.process.stdout.on("data", (text) => (this.printed += text));
    let rest = "";
    this.process.stderr.on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      this.log.push(...lines);
    });
    await until("the gateway prints its link", () => {
      if (this.process.exitCode !== null) throw new Error(`the gateway ended:\n${this.log.join("\n")}`);
      return this.printed.includes("\n");
    });
    this.link = this.printed.trim();
    this.port = Number(new URL(this.link).port);
  }

  async stop() {
    if (this.process) await stop(this.process);
  }

  clockSettings() {
    if (!this.clockFile) return {};
    this.moveClock(0);
    return {
      LD_PRELOAD: libfaketime,
      FAKETIME_TIMESTAMP_FILE: this.clockFile,
      FAKETIME_NO_CACHE: "1",
      DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    };
  }

  /** Puts the gateway's clock ahead of the true time. Nothing else notices. */
  moveClock(seconds) {
    writeFileSync(this.clockFile, `+${seconds}s\n`);
  }

  /** The log as records, without what was said to people. */
  records() {
    return this.log.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  }

  /** Runs a command line as somebody on this machine would, without a terminal. */
  async shell(line) {
    return finish(start("sh", ["-c", line], this.env));
  }

  /** What `openclaw devices list --json` tells. */
  async list() {
    return JSON.parse((await this.shell("openclaw devices list --json")).stdout);
  }

  /** What `openclaw nodes list --json` tells. */
  async nodes() {
    return JSON.parse((await this.shell("openclaw nodes list --json")).stdout);
  }

  /** Changes settings while it runs, as an admin's program does. They are live when this returns. */
  async change(settings) {
    const admin = connectProgram(this.port, this.token);
    await admin.hello;
    const { hash } = await admin.call("config.get");
    await admin.call("config.patch", { raw: JSON.stringify(settings), baseHash: hash });
    await admin.close();
  }

  /** Turns away everybody who waits. */
  async rejectAll() {
    for (const { requestId } of (await this.list()).pending) await this.shell(`openclaw devices reject ${requestId}`);
  }

  /** A new owner link. */
  async newLink() {
    return JSON.parse((await this.shell("openclaw dashboard --no-open --json")).stdout).browserUrl;
  }
}
