// A device without a browser: it speaks the wire protocol and does as it likes.
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { WebSocket } from "ws";

export class Device {
  constructor(name, { scopes = ["operator.read"], platform = "android" } = {}) {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    this.privateKey = privateKey;
    this.publicKey = publicKey.export({ format: "jwk" }).x;
    this.id = createHash("sha256").update(Buffer.from(this.publicKey, "base64url")).digest("hex");
    this.name = name;
    this.scopes = scopes;
    this.client = { id: "openclaw-android", version: "1", platform, mode: "ui" };
  }

  /** Opens a line to the gateway and says `connect` on it. `auth` may hold a token or a code; without one it knocks. */
  connect(port, auth) {
    return new Line(port, (challenge) => this.introduce(challenge, auth));
  }

  introduce({ nonce, ts }, auth, { role = "operator", scopes = this.scopes, ...more } = {}) {
    const { id, mode, platform, deviceFamily = "" } = this.client;
    const secret = auth?.token ?? auth?.deviceToken ?? auth?.bootstrapToken ?? "";
    const plain = [platform, deviceFamily].map((word) => word.toLowerCase());
    const fields = ["v3", this.id, id, mode, role, scopes.join(","), ts, secret, nonce, ...plain];
    const signature = sign(null, Buffer.from(fields.join("|")), this.privateKey).toString("base64url");
    return {
      minProtocol: 4,
      maxProtocol: 4,
      client: { ...this.client, displayName: this.name },
      role,
      scopes,
      caps: ["pairing-wait"],
      device: { id: this.id, publicKey: this.publicKey, signature, signedAt: ts, nonce },
      ...(auth && { auth }),
      ...more,
    };
  }
}

/** A program on this machine that shows the gateway's token and no device, as the official command line does. */
export function connectProgram(port, token) {
  return new Line(port, () => ({
    minProtocol: 4,
    maxProtocol: 4,
    client: { id: "cli", version: "1", platform: "linux", mode: "cli" },
    role: "operator",
    scopes: ["operator.admin", "operator.pairing", "operator.read", "operator.write"],
    auth: { token },
  }));
}

/** One socket. Its promises are about its `connect`. */
export class Line {
  #answers = new Map();
  #listeners = new Map();
  #asked = 0;

  constructor(port, introduce) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
    this.closed = new Promise((resolve) => this.socket.once("close", (code, why) => resolve(`${code} ${why}`)));
    this.pending = new Promise((resolve) => (this.heardPending = resolve));
    this.hello = new Promise((resolve, reject) => {
      this.socket.once("error", reject);
      this.socket.once("close", (code, why) => reject(new Error(`closed: ${code} ${why}`)));
      this.challenged = (challenge) => this.call("connect", introduce(challenge)).then(resolve, reject);
    });
    // Whoever only waits for `pending` need not look at the rest.
    this.hello.catch(() => {});
    this.socket.on("message", (text) => this.#hear(JSON.parse(text)));
  }

  /** Calls a method: its result, or its error. */
  call(method, params = {}) {
    const id = String(++this.#asked);
    const answer = new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }));
    this.socket.send(JSON.stringify({ type: "req", id, method, params }));
    return answer;
  }

  /** Hears every event of that name. */
  on(event, listener) {
    this.#listeners.set(event, listener);
  }

  async close() {
    this.socket.close();
    await this.closed;
  }

  #hear(frame) {
    if (frame.type === "res") {
      const { resolve, reject } = this.#answers.get(frame.id);
      this.#answers.delete(frame.id);
      if (frame.ok) resolve(frame.payload);
      else reject(Object.assign(new Error(frame.error.message), frame.error));
    } else if (frame.event === "connect.challenge") {
      this.challenged(frame.payload);
    } else if (frame.event === "device.pair.pending") {
      this.heardPending(frame.payload);
    } else {
      this.#listeners.get(frame.event)?.(frame.payload);
    }
  }
}
