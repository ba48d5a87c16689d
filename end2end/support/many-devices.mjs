// A gateway that knows very many devices: taken over from files as OpenClaw writes them, which takes a second or two,
// where pairing them all would take minutes.
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "./processes.mjs";

const DAY_MS = 24 * 60 * 60 * 1000;

/** A record of a device. Its key is random: nobody comes in by it. */
function record(number, about) {
  const key = randomBytes(32);
  const id = createHash("sha256").update(key).digest("hex");
  const at = Date.now() - DAY_MS;
  const token = { token: `token-${number}`, role: "operator", scopes: ["operator.read"], createdAtMs: at };
  const known = {
    deviceId: id,
    publicKey: key.toString("base64url"),
    displayName: `Device ${String(number).padStart(5, "0")}`,
    platform: "linux",
    clientId: "openclaw-linux",
    clientMode: "ui",
    role: "operator",
    roles: ["operator"],
    scopes: ["operator.read"],
    approvedScopes: ["operator.read"],
    approvedVia: "owner",
    createdAtMs: at,
    approvedAtMs: at,
    lastSeenAtMs: at - number,
    tokens: { operator: token },
  };
  return { ...known, ...about(number) };
}

/** As many as even a slow build takes over before the command line gives up waiting for it. */
const AT_ONCE = 1_000;

/** Lets `count` devices in. `about` says what is different about which. Returns their records. */
export async function takeOver(gateway, count, about = () => ({})) {
  const folder = makeFolder();
  const records = Array.from({ length: count }, (_, number) => record(number, about));
  mkdirSync(join(folder, "devices"));
  // While the gateway is down, so that nobody hears of each of them.
  await gateway.stop();
  for (let first = 0; first < count; first += AT_ONCE) {
    const byId = Object.fromEntries(records.slice(first, first + AT_ONCE).map((one) => [one.deviceId, one]));
    writeFileSync(join(folder, "devices/paired.json"), JSON.stringify(byId));
    const { code, stderr } = await gateway.shell(`openclaw migrate --from ${folder}`);
    if (code !== 0) throw new Error(`the devices were not taken over:\n${stderr}`);
  }
  await gateway.start();
  return records;
}

/** That long ago, in days. */
export const daysAgo = (days) => Date.now() - days * DAY_MS;
