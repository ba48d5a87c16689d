// Our gateway, as the scenarios need it: on a port that is known beforehand, with a token that is known.
import { Gateway } from "../support/gateway.mjs";
import { freePort } from "../support/processes.mjs";

/** Starts a gateway. `settings` are those under `gateway`, besides the token. */
export async function startGateway(settings = {}) {
  const gateway = new Gateway(false);
  gateway.port = await freePort();
  const publicUrl = `ws://127.0.0.1:${gateway.port}`;
  gateway.configure({
    gateway: { auth: { mode: "token", token: "interop-token-0123456789abcdef" }, ...settings },
    plugins: { entries: { "device-pair": { config: { publicUrl } } } },
  });
  await gateway.start();
  return gateway;
}

/** What our own command line tells about a device over the owner socket, or nothing. */
export async function paired(gateway, deviceId) {
  return (await gateway.list()).paired.find((device) => device.deviceId === deviceId);
}

/** The same about a request that waits, found by the name that its device gave. */
export async function pendingNamed(gateway, name) {
  return (await gateway.list()).pending.find((request) => request.displayName === name);
}

export async function pairedNamed(gateway, name) {
  return (await gateway.list()).paired.find((device) => device.displayName === name);
}
