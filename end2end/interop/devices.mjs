// Devices of ours that ask a gateway, so that the official clients have somebody to decide about.
import { Device } from "../support/device.mjs";
import { answer } from "./expect.mjs";

/** Everybody who asks at one gateway. */
export class Visitors {
  #lines = [];

  constructor(gateway) {
    this.gateway = gateway;
  }

  /** A new device that asks, and waits for a decision. */
  async ask(name) {
    const device = new Device(name);
    const line = device.connect(this.gateway.port);
    this.#lines.push(line);
    const { requestId } = await answer("the gateway to let a device wait", line.pending);
    return {
      id: device.id,
      requestId,
      hello: () => answer("the gateway's hello to a device", line.hello),
      closed: () => answer("the gateway to close a device's line", line.closed),
    };
  }

  leave() {
    for (const line of this.#lines) line.socket.terminate();
  }
}
