// Two versions of the program take turns on one state directory: each finds what the other has stored, its devices
// come in with the tokens that the other gave them, and it adds something of its own.
// node end2end/matrix.mjs OLDER NEWER
import assert from "node:assert/strict";
import { accessSync, constants, renameSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { Device } from "./support/device.mjs";
import { makeFolder } from "./support/processes.mjs";

const [older, newer] = process.argv.slice(2).map((path) => resolve(path));
for (const program of [older, newer]) accessSync(program ?? "", constants.X_OK);

// What runs is a link that leads to the one or the other.
process.env.OPENCLAW = join(makeFolder(), "openclaw");
function install(program) {
  symlinkSync(program, `${process.env.OPENCLAW}.next`);
  renameSync(`${process.env.OPENCLAW}.next`, process.env.OPENCLAW);
}
install(older);
const { Gateway } = await import("./support/gateway.mjs");

/** Runs a command that has to succeed. */
async function succeed(gateway, line) {
  const { code, stdout, stderr } = await gateway.shell(line);
  assert.equal(code, 0, `${line}: ${stdout}${stderr}`);
  return stdout;
}

/** Lets a new device in, and gives it another name with the command line. */
async function add(gateway, name) {
  const device = new Device(name);
  const line = device.connect(gateway.port);
  const { requestId } = await line.pending;
  await succeed(gateway, `openclaw devices approve ${requestId}`);
  device.token = (await line.hello).auth.deviceToken;
  device.label = `${name}'s owner`;
  await succeed(gateway, `openclaw devices rename ${device.id} "${device.label}"`);
  await line.close();
  return device;
}

/** Every device is listed under its name and comes in with the token it has; no other is there. */
async function expectAll(gateway, devices) {
  const { paired } = await gateway.list();
  const labels = (list) => list.map((one) => `${one.deviceId ?? one.id} ${one.operatorLabel ?? one.label}`).sort();
  assert.deepEqual(labels(paired), labels(devices));
  if (!gateway.isUp) return;
  for (const device of devices) {
    const line = device.connect(gateway.port, { deviceToken: device.token });
    device.token = (await line.hello).auth.deviceToken ?? device.token;
    await line.close();
  }
}

const gateway = new Gateway();
const devices = [];
for (const [turn, program] of [older, newer, older, newer, older].entries()) {
  install(program);
  const which = `${program === older ? "older" : "newer"} ${(await succeed(gateway, "openclaw --version")).trim()}`;
  // First on the store alone, then with a gateway.
  await expectAll(gateway, devices);
  await gateway.start();
  gateway.isUp = true;
  await expectAll(gateway, devices);
  devices.push(await add(gateway, `Device ${turn}`));
  if (turn === 2) {
    const [gone] = devices.splice(1, 1);
    await succeed(gateway, `openclaw devices remove ${gone.id}`);
  }
  await expectAll(gateway, devices);
  await succeed(gateway, "openclaw config set gateway.controlUi.allowedOrigins '[\"https://a.example\"]'");
  await succeed(gateway, "openclaw config validate");
  await gateway.stop();
  gateway.isUp = false;
  console.log(`turn ${turn + 1}, ${which}: ${devices.length} devices listed, in with their tokens, and one of them new`);
}
