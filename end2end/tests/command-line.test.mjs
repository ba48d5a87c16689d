// The commands of the guides, as they are written there, typed into a shell beside a running gateway.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, afterEach, before, test } from "node:test";
import { Device } from "../support/device.mjs";
import { Gateway } from "../support/gateway.mjs";
import { start } from "../support/processes.mjs";

let gateway, device, line, requestId;

before(async () => {
  gateway = await Gateway.start();
});

afterEach(async () => {
  await line?.close();
  await gateway.rejectAll();
  line = undefined;
});

after(async () => {
  await gateway?.stop();
});

/** A device knocks and waits. */
async function knock(name) {
  device = new Device(name);
  line = device.connect(gateway.port);
  ({ requestId } = await line.pending);
}

/** Types a command into a terminal, and an answer once it asks for one. */
async function terminal(command, answer) {
  const child = start("script", ["-qec", command, "/dev/null"], gateway.env, "pipe");
  let shown = "";
  child.stdout.on("data", (text) => {
    const was = shown;
    shown += text;
    if (!was.includes("[y/N]") && shown.includes("[y/N]")) child.stdin.write(`${answer}\n`);
  });
  const [code] = await once(child, "close");
  return { code, shown };
}

const isPaired = async () => (await gateway.list()).paired.some(({ deviceId }) => deviceId === device.id);

test("openclaw --version says the version", async () => {
  const { code, stdout } = await gateway.shell("openclaw --version");
  assert.equal(code, 0);
  assert.match(stdout, /^openclaw \d+\.\d+\.\d+/);
});

test("openclaw gateway status and openclaw status say that it runs, where, and who waits", async () => {
  await knock("Ada's phone");
  for (const command of ["openclaw gateway status", "openclaw status"]) {
    const { code, stdout } = await gateway.shell(command);
    assert.equal(code, 0, command);
    assert(stdout.includes(`running at ${gateway.origin}`), stdout);
    assert(stdout.includes("1 waiting for approval") && stdout.includes("Ada's phone"), stdout);
  }
});

test("openclaw devices list shows who waits, with the fingerprint, and what approves it", async () => {
  await knock("Ada's phone");
  const { fingerprint } = await line.pending;
  const { code, stdout } = await gateway.shell("openclaw devices list");
  assert.equal(code, 0);
  const { emoji, words, hex } = fingerprint;
  const about = ["Ada's phone", "127.0.0.1 (on this machine, not encrypted)", "operator.read", "expires in", "it showed no token or password"];
  for (const told of [...about, emoji.join(" "), words.join(" "), hex, `openclaw devices approve ${requestId}`]) {
    assert(stdout.includes(told), `"${told}" is not in the list:\n${stdout}`);
  }
});

test("openclaw devices approve <id> lets the waiting device in on the socket it holds", async () => {
  await knock("Ada's phone");
  const { code, stdout } = await gateway.shell(`openclaw devices approve ${requestId}`);
  assert.equal(code, 0);
  assert.match(stdout, /^Approved Ada's phone/);
  assert.equal((await line.hello).type, "hello-ok");
});

test("openclaw devices approve with a stale id changes nothing, and lists those that wait", async () => {
  await knock("Ada's phone");
  const { code, stderr } = await gateway.shell("openclaw devices approve 00000000-0000-4000-8000-000000000000");
  assert.equal(code, 1);
  assert(stderr.includes("unknown, decided or expired") && stderr.includes(requestId), stderr);
  assert(!(await isPaired()));
});

test("openclaw devices approve --latest at a terminal shows the request, and a y approves it", async () => {
  await knock("Ada's phone");
  const { code, shown } = await terminal("openclaw devices approve --latest", "y");
  assert(shown.includes("Ada's phone") && shown.includes(requestId), shown);
  assert.equal(code, 0, shown);
  assert.equal((await line.hello).type, "hello-ok");
});

test("openclaw devices approve --latest at a terminal takes a bare Enter for a no", async () => {
  await knock("Ada's phone");
  const { code, shown } = await terminal("openclaw devices approve --latest", "");
  assert.equal(code, 1, shown);
  assert(shown.includes("Nothing was approved."), shown);
  assert(!(await isPaired()));
});

test("openclaw devices approve --latest without a terminal only prints the command that would approve", async () => {
  await knock("Ada's phone");
  const { code, stdout, stderr } = await gateway.shell("openclaw devices approve --latest");
  assert.equal(code, 1);
  assert.equal(stdout, `openclaw devices approve ${requestId}\n`);
  assert(stderr.includes("Ada's phone"), stderr);
  assert(!(await isPaired()));
});

test("with the gateway down, openclaw gateway status says so and how to start it", async () => {
  await gateway.stop();
  const { code, stdout, stderr } = await gateway.shell("openclaw gateway status");
  await gateway.start();
  assert.equal(code, 1);
  assert.match(stdout + stderr, /not running/);
  assert.match(stdout + stderr, /openclaw gateway/);
});
