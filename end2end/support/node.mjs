// A node that does at once what it is asked: it answers every command with the parameters it got.
import { Device, Line } from "./device.mjs";

export class Node extends Device {
  constructor(name, commands = ["system.which"]) {
    super(name);
    this.client = { id: "node-host", version: "1", platform: "linux", deviceFamily: "Linux", mode: "node" };
    this.commands = commands;
  }

  /** Opens a line on which the node serves. */
  connect(port, auth) {
    const line = new Line(port, (challenge) => this.introduce(challenge, auth));
    line.on("node.invoke.request", ({ id, paramsJSON }) =>
      line.call("node.invoke.result", { id, nodeId: this.id, ok: true, payloadJSON: paramsJSON }),
    );
    return line;
  }

  /** As a node, or as whatever else this machine is to the gateway. */
  introduce(challenge, auth, as = { role: "node", scopes: [], commands: this.commands }) {
    return super.introduce(challenge, auth, as);
  }
}
