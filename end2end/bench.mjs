// Measures the finished program on this machine and prints a table. Numbers that depend on the machine stand beside
// a baseline from the same run where there is one.
import { generateKeyPairSync, randomUUID, sign, verify } from "node:crypto";
import { closeSync, mkdtempSync, openSync, writeSync } from "node:fs";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";
import { launchBrowser, openOwner, openWaitingPhone } from "./support/browser.mjs";
import { measureClickToIn } from "./support/click-to-in.mjs";
import { connectProgram, Device } from "./support/device.mjs";
import { measureFirstLoad } from "./support/first-load.mjs";
import { Gateway } from "./support/gateway.mjs";
import { inParallel, median, medianOf, memoryKb, percentile, processorMsPer } from "./support/measure.mjs";
import { measureFanOut, measureInvoke } from "./support/node-measures.mjs";
import { freePort, start, stop } from "./support/processes.mjs";
import { startProxy, TRUSTING } from "./support/proxy.mjs";

const CONNECTS = 2_000;
const TURNS = 4;
const IDLE_CONNECTIONS = 2_000;
const FEW_DEVICES = 100;
const MANY_DEVICES = 10_000;
/** Making many devices takes real pairings; after this long we go on with those there are. */
const PAIRING_BUDGET_MS = 60_000;
/** Fewer than the gateway lets one address have before they say who they are. */
const AT_ONCE = 16;

const rows = [];

function report(what, measured, goal = "") {
  rows.push([what, measured, goal]);
  console.error(`${what}: ${measured}`);
}

const ms = (number) => `${number.toPrecision(3)} ms`;
const kb = (number) => `${number.toFixed(1)} KB`;
const mb = (kilobytes) => `${(kilobytes / 1024).toFixed(1)} MB`;

// --- Start ---

/** From spawning the program to its first 200 on /healthz. */
async function startMs(gateway) {
  const port = await freePort();
  const started = performance.now();
  const child = start(join(gateway.home, "bin/openclaw"), ["gateway", "--port", String(port)], gateway.env);
  while (!(await isHealthy(port))) await pause(0);
  const took = performance.now() - started;
  await stop(child);
  return took;
}

const isHealthy = (port) =>
  new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, path: "/healthz", agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.once("error", () => resolve(false));
    asked.end();
  });

async function measureStart() {
  const known = new Gateway();
  await startMs(known);
  report("start to /healthz, median of 20", ms(await medianOf(20, () => startMs(known))), "≤ 50 ms");
  report("the same in an empty home, median of 5", ms(await medianOf(5, () => startMs(new Gateway()))));
}

// --- Connections ---

/** Pairs devices with the gateway's token, as this machine allows, until there are `count` or the time is up. */
async function pairUpTo(count, gateway, devices) {
  const deadline = Date.now() + PAIRING_BUDGET_MS;
  // Each with a name of its own: of those that are alike the gateway forgets the older ones.
  const missing = Array.from({ length: count - devices.length }, () => new Device(`Bench ${randomUUID()}`));
  await inParallel(AT_ONCE, missing, async (device) => {
    if (Date.now() > deadline) return;
    const line = device.connect(gateway.port, { token: gateway.token });
    device.auth = { deviceToken: (await line.hello).auth.deviceToken };
    await line.close();
    devices.push(device);
  });
}

/** Opens a socket, takes the challenge and leaves: everything a connect costs but the connect. */
async function bareVisit(port) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
  await once(socket, "message");
  socket.close();
  await once(socket, "close");
}

async function connectOnce(port, device) {
  const line = device.connect(port, device.auth);
  await line.hello;
  await line.close();
}

/** The processor time of one Ed25519 verification, by OpenSSL, in milliseconds. */
function verificationMs() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const text = Buffer.alloc(220, "v3|");
  const signature = sign(null, text, privateKey);
  const count = 5_000;
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) verify(null, text, publicKey, signature);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / count;
}

/** The gateway's processor time for one connect, with few and with many devices, and what nobody can save of it. */
async function measureConnects(few, many) {
  const [port, pid] = [few.gateway.port, few.gateway.pid];
  const connects = (desk) => (count) =>
    processorMsPer(desk.gateway.pid, count, () => connectOnce(desk.gateway.port, desk.devices[0]));
  for (const desk of [few, many]) await connects(desk)(200);
  const [bare, amongFew, amongMany] = await inTurns(
    (count) => processorMsPer(pid, count, () => bareVisit(port)),
    connects(few),
    connects(many),
  );
  const verification = verificationMs();
  const ratio = (amongFew / (bare + verification)).toFixed(2);
  report("baseline A: upgrade, challenge, close; gateway's CPU", ms(bare));
  report("baseline B: one Ed25519 verification by OpenSSL", ms(verification));
  report(
    `connect by token, ${few.devices.length} devices paired; gateway's CPU`,
    `${ms(amongFew)} = ${ratio} × (A + B)`,
    "≤ 1.5 ×",
  );
  const growth = (amongMany / amongFew).toFixed(2);
  report(`the same, ${many.devices.length} devices paired`, `${ms(amongMany)} = ${growth} × with few`, "the same");
}

/** Measures several things in turns, so that what else this machine does troubles all of them alike. */
async function inTurns(...measures) {
  const costs = measures.map(() => []);
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [i, measure] of measures.entries()) costs[i].push(await measure(CONNECTS / TURNS));
  }
  return costs.map((cost) => cost.reduce((sum, part) => sum + part) / TURNS);
}

async function measureIdle({ gateway, devices }) {
  // A new process, so that memory the pairings left behind does not hide what connections take.
  await gateway.stop();
  await gateway.start();
  await processorMsPer(gateway.pid, 200, () => connectOnce(gateway.port, devices[0]));
  const before = memoryKb(gateway.pid);
  const lines = [];
  await inParallel(AT_ONCE, devices.slice(0, IDLE_CONNECTIONS), async (device) => {
    const line = device.connect(gateway.port, device.auth);
    await line.hello;
    lines.push(line);
  });
  const after = memoryKb(gateway.pid);
  report(`memory per idle connection, of ${lines.length}`, kb((after - before) / lines.length), "≤ 12 KB");
  await Promise.all(lines.map((line) => line.close()));
}

// --- Decisions ---

async function measureList(gateway) {
  const program = connectProgram(gateway.port, gateway.token);
  await program.hello;
  const list = () => program.call("device.pair.list");
  await processorMsPer(gateway.pid, 100, list);
  const cost = await processorMsPer(gateway.pid, CONNECTS, list);
  report(`device.pair.list with ${FEW_DEVICES} devices; gateway's CPU`, ms(cost), "≤ 0.02 ms");
  await program.close();
}

/** A page of very many devices: as it is asked again and again, and after something has changed. */
async function measurePages({ gateway, devices }) {
  const program = connectProgram(gateway.port, gateway.token);
  await program.hello;
  const page = () => program.call("device.pair.page", { query: "bench", sort: "name" });
  await page();
  const told = `device.pair.page with ${devices.length} devices; gateway's CPU`;
  report(told, ms(await processorMsPer(gateway.pid, 100, page)));
  const changed = async () => {
    await program.call("device.pair.rename", { deviceId: devices[0].id, label: "Bench" });
    await page();
  };
  report(`${told}, after a change`, ms(await processorMsPer(gateway.pid, 20, changed)));
  const waiting = async () => {
    await program.call("device.pair.rename", { deviceId: devices[0].id, label: "Bench" });
    await program.call("device.pair.list", { only: "waiting" });
  };
  report("what waits, after a change; gateway's CPU", ms(await processorMsPer(gateway.pid, 20, waiting)));
  await program.close();
}

/** From sending the approval to the hello of the device that waits. */
async function measureApproval(gateway) {
  const owner = connectProgram(gateway.port, gateway.token);
  await owner.hello;
  const took = await medianOf(50, async () => {
    const device = new Device("Bench");
    const line = device.connect(gateway.port);
    const { requestId } = await line.pending;
    const started = performance.now();
    owner.call("device.pair.approve", { requestId });
    await line.hello;
    const took = performance.now() - started;
    await line.close();
    await owner.call("device.pair.remove", { deviceId: device.id });
    return took;
  });
  const shares = gateway.records().flatMap((record) => record.decision_to_hello_us ?? []);
  report("approval sent to device in, median of 50", ms(took), "≤ 2 ms");
  report("the gateway's share of it, by its log", ms(median(shares) / 1000), "≤ 5 ms");
  await owner.close();
}

// --- The command line ---

/** The same command while the gateway runs and while it does not, where it works on the store itself. */
async function measureCommands(gateway) {
  await measureCommand(gateway, "gateway up");
  await gateway.stop();
  await measureCommand(gateway, "gateway down");
  await gateway.start();
}

async function measureCommand(gateway, when) {
  const program = join(gateway.home, "bin/openclaw");
  const wall = await medianOf(20, async () => {
    const started = performance.now();
    await once(spawn(program, ["devices", "list"], { env: gateway.env, stdio: "ignore" }), "exit");
    return performance.now() - started;
  });
  report(`openclaw devices list with ${FEW_DEVICES} devices, ${when}, median of 20`, ms(wall), "≤ 15 ms");
  report(`its memory at most, ${when}`, mb(await peakKb(gateway, program)), "≤ 15 MB");
}

/** The most memory `devices list` holds: stopped by a full pipe when it begins to print, it can be looked at. */
async function peakKb(gateway, program) {
  const pipe = join(mkdtempSync(join(gateway.home, "pipe-")), "full");
  execFileSync("mkfifo", [pipe]);
  const end = openSync(pipe, "r+");
  writeSync(end, Buffer.alloc(65_536));
  const child = spawn(program, ["devices", "list"], { env: gateway.env, stdio: ["ignore", end, "ignore"] });
  await pause(500);
  const peak = memoryKb(child.pid, "VmHWM");
  child.kill();
  await once(child, "exit");
  closeSync(end);
  return peak;
}

// --- Nodes ---

async function measureNodes() {
  const gateway = await Gateway.start();
  const cost = await measureInvoke(gateway, 5_000);
  report("node.invoke, there and back; gateway's CPU", ms(cost), "≤ 0.1 ms");
  const { nodes, operators, took } = await measureFanOut(gateway, { nodes: 200, operators: 50, approvals: 100 });
  const told = `an approval told to ${operators} operators, ${nodes} nodes connected`;
  report(`${told}, median`, ms(percentile(took, 50)));
  report(`${told}, 99th percentile`, ms(percentile(took, 99)), "≤ 20 ms");
  await gateway.stop();
}

// --- The browser ---

async function measureBrowser() {
  const gateway = await Gateway.start({ config: TRUSTING });
  const proxy = await startProxy(gateway);
  const browser = await launchBrowser();
  try {
    const first = await measureFirstLoad(browser, gateway.origin, "waiting");
    report("first load", `${kb(first.bytes / 1024)} in ${first.requests.length} requests`, "≤ 250 KB, ≤ 8");
    const paint = async () => (await measureFirstLoad(browser, gateway.origin, "waiting")).firstPaintMs;
    report("first contentful paint, median of 5", ms(await medianOf(5, paint)), "≤ 200 ms");
    await gateway.rejectAll();
    const owner = await openOwner(browser, gateway);
    const took = await medianOf(5, () => clickToIn(browser, proxy, owner));
    report("click on Approve to phone connected, median of 5", ms(took), "≤ 300 ms");
  } finally {
    await browser.close();
    await proxy.stop();
    await gateway.stop();
  }
}

async function clickToIn(browser, proxy, owner) {
  const phone = await openWaitingPhone(browser, proxy.origin);
  const took = await measureClickToIn(owner.page, phone.page);
  await phone.context.close();
  return took;
}

report("this machine", `${availableParallelism()} cores, load ${loadavg()[0].toFixed(1)}`);
await measureStart();
const few = { gateway: await Gateway.start(), devices: [] };
report("resident memory, idle", mb(memoryKb(few.gateway.pid)), "≤ 16 MB");
await pairUpTo(FEW_DEVICES, few.gateway, few.devices);
await measureList(few.gateway);
await measureApproval(few.gateway);
await measureCommands(few.gateway);
const many = { gateway: await Gateway.start(), devices: [] };
await pairUpTo(MANY_DEVICES, many.gateway, many.devices);
await measureConnects(few, many);
await measurePages(many);
await measureIdle(many);
await few.gateway.stop();
await many.gateway.stop();
await measureNodes();
await measureBrowser();

const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
for (const [what, measured, goal] of rows) {
  console.log(`${what.padEnd(widths[0])}  ${measured.padEnd(widths[1])}  ${goal}`.trimEnd());
}
