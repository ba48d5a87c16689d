// A stand-in for a browser's push service. Chromium reaches its own over the internet only, so the page gets its
// subscriptions here, and what arrives here is handed to the service worker the way the browser would.
import { createDecipheriv, createECDH, hkdfSync } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { makeFolder, until } from "./processes.mjs";
import { makeCertificate } from "./proxy.mjs";

export class PushService {
  #keys = createECDH("prime256v1");
  #auth = Buffer.from("0123456789abcdef");
  /** What it answers. */
  status = 201;
  /** What arrived: path, headers, and what the browser reads in it. */
  delivered = [];

  static async start() {
    const service = new PushService();
    service.#keys.generateKeys();
    const folder = makeFolder();
    makeCertificate(folder, "localhost");
    service.certificate = join(folder, "cert.pem");
    const [key, cert] = ["key.pem", "cert.pem"].map((name) => readFileSync(join(folder, name)));
    service.server = createServer({ key, cert }, async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const push = service.#open(Buffer.concat(chunks));
      service.delivered.push({ path: request.url, headers: request.headers, push });
      response.writeHead(service.status).end();
    });
    service.server.listen(0, "127.0.0.1");
    await once(service.server, "listening");
    return service;
  }

  get origin() {
    return `https://localhost:${this.server.address().port}`;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** The next message to this browser that has not been taken yet. */
  next(name) {
    return until(`a push to ${name} arrives`, () => {
      const index = this.delivered.findIndex(({ path }) => path === `/${name}`);
      return index >= 0 && this.delivered.splice(index, 1)[0];
    });
  }

  /** How many messages to this browser have not been taken. */
  count(name) {
    return this.delivered.filter(({ path }) => path === `/${name}`).length;
  }

  /** What `PushSubscription.toJSON` says of a subscription here. */
  subscription(name) {
    const keys = { p256dh: this.#keys.getPublicKey("base64url"), auth: this.#auth.toString("base64url") };
    return { endpoint: `${this.origin}/${name}`, expirationTime: null, keys };
  }

  /** Decrypts a message (RFC 8291 §3.4, RFC 8188 §2). */
  #open(body) {
    const [salt, length] = [body.subarray(0, 16), body[20]];
    const [sender, sealed] = [body.subarray(21, 21 + length), body.subarray(21 + length)];
    const info = Buffer.concat([Buffer.from("WebPush: info\0"), this.#keys.getPublicKey(), sender]);
    const secret = Buffer.from(hkdfSync("sha256", this.#keys.computeSecret(sender), this.#auth, info, 32));
    const derive = (what, size) => Buffer.from(hkdfSync("sha256", secret, salt, `Content-Encoding: ${what}\0`, size));
    const cipher = createDecipheriv("aes-128-gcm", derive("aes128gcm", 16), derive("nonce", 12));
    cipher.setAuthTag(sealed.subarray(-16));
    const text = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
    return JSON.parse(text.subarray(0, text.lastIndexOf(2)));
  }
}

/** Lets the pages of a profile subscribe at the stand-in. The subscription outlives the page, as a real one does. */
export async function subscribeAt(context, service, name = "browser") {
  await context.addInitScript((subscription) => {
    const KEY = "test.subscribed-to";
    const made = (key) => ({
      endpoint: subscription.endpoint,
      options: { applicationServerKey: Uint8Array.fromBase64(key, { alphabet: "base64url" }).buffer },
      toJSON: () => subscription,
      unsubscribe: async () => (localStorage.removeItem(KEY), true),
    });
    PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
      if (!userVisibleOnly) throw new Error("a push that shows nothing");
      localStorage.setItem(KEY, applicationServerKey);
      return made(applicationServerKey);
    };
    PushManager.prototype.getSubscription = async () => {
      const key = localStorage.getItem(KEY);
      return key && made(key);
    };
  }, service.subscription(name));
}

/** Hands a message to the service worker of a page, and waits until that has shown it. A worker that has only just been
 * registered may miss a message, which a real service would keep for it; the same message twice is shown once. */
export async function deliver(page, push) {
  const devtools = await page.context().newCDPSession(page);
  const registrations = new Map();
  devtools.on("ServiceWorker.workerRegistrationUpdated", (event) => {
    for (const registration of event.registrations) registrations.set(registration.registrationId, registration);
  });
  await devtools.send("ServiceWorker.enable");
  const origin = new URL(page.url()).origin;
  await until("the push is shown", async () => {
    for (const { registrationId, isDeleted, scopeURL } of registrations.values()) {
      if (isDeleted || !scopeURL.startsWith(origin)) continue;
      await devtools.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data: JSON.stringify(push) });
    }
    return page.evaluate(async ({ requestId, kind }) => {
      const registration = await navigator.serviceWorker.ready;
      const isShown = ({ data, tag }) => (requestId ? data?.requestId === requestId : tag === kind);
      for (const deadline = Date.now() + 1000; Date.now() < deadline; ) {
        if ((await registration.getNotifications()).some(isShown)) return true;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return false;
    }, push);
  });
  await devtools.detach();
}
