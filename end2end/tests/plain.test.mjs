// Without WebAssembly, and without any script: what the page says, and approving and rejecting all the same.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { launchBrowser, openDesktop } from "../support/browser.mjs";
import { Device } from "../support/device.mjs";
import { Gateway } from "../support/gateway.mjs";

let gateway, browser, visit;

before(async () => {
  gateway = await Gateway.start();
  browser = await launchBrowser();
});

beforeEach(async () => {
  visit = await openDesktop(browser, { javaScriptEnabled: false });
});

afterEach(async () => {
  await visit.context.close();
  await gateway.rejectAll();
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

/** Redeems an owner link at the plain page. */
async function signIn({ page }) {
  await page.goto(`${gateway.origin}/plain`);
  await page.getByLabel("Owner link").fill(await gateway.newLink());
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { level: 1, name: /Nobody waits|wants? in/ }).waitFor();
}

/** A device that asks, without a secret. */
async function knock(name) {
  const line = new Device(name).connect(gateway.port);
  const { requestId } = await line.pending;
  return { line, requestId };
}

/** Posts a form as a browser that says it comes from `origin`. */
function post(path, fields, { origin = gateway.origin, cookie } = {}) {
  const headers = { ...(origin && { origin }), ...(cookie && { cookie }) };
  return fetch(gateway.origin + path, { method: "POST", headers, body: new URLSearchParams(fields), redirect: "manual" });
}

for (const path of ["/", "/devices"]) {
  test(`where WebAssembly is blocked, ${path} says so and leads to a page that decides`, async () => {
    const { context, page } = await openDesktop(browser);
    await context.addInitScript(() => delete globalThis.WebAssembly);
    await page.goto(gateway.origin + path);
    await page.getByText("This page needs WebAssembly").waitFor();
    await page.getByRole("link", { name: "Decide about devices without it" }).click();
    await page.getByLabel("Owner link").waitFor();
    await context.close();
  });
}

test("without a script the page leads there too", async () => {
  await visit.page.goto(gateway.origin);
  await visit.page.getByRole("link", { name: "Decide about devices without them" }).click();
  await visit.page.getByLabel("Owner link").waitFor();
});

test("Approve lets the device in that was shown, Reject turns it away", async () => {
  await signIn(visit);
  const first = await knock("Phone one");
  const second = await knock("Phone two");
  await visit.page.getByRole("link", { name: "Look again" }).click();
  const card = (name) => visit.page.getByRole("article", { name });
  await card("Phone one").getByRole("button", { name: "Approve" }).click();
  await visit.page.getByText("Approved. The device is in.").waitFor();
  await first.line.hello;
  await card("Phone two").getByRole("button", { name: "Reject" }).click();
  await visit.page.getByText("Rejected.").waitFor();
  await assert.rejects(second.line.hello);
  await first.line.close();
});

test("a form of another site, one that lacks the page's own mark, and one without a session decide nothing", async () => {
  const { line, requestId } = await knock("Target");
  line.hello.catch(() => {});
  const { pending } = await gateway.list();
  const { digest } = pending.find((request) => request.requestId === requestId).evidence;
  const signedIn = await post("/plain/sign-in", { code: await gateway.newLink() });
  assert.equal(signedIn.status, 303);
  const cookie = signedIn.headers.get("set-cookie");
  assert.match(cookie, /^openclaw_plain=[^;]+; Path=\/plain; Max-Age=3600; HttpOnly; SameSite=Strict/);
  const session = cookie.split(";")[0];
  const page = await (await fetch(`${gateway.origin}/plain`, { headers: { cookie: session } })).text();
  const guard = /name="guard" value="([^"]+)"/.exec(page)[1];
  const form = { requestId, digest, decision: "approve", guard };

  const foreign = await post("/plain/decide", form, { origin: "https://evil.example", cookie: session });
  const nameless = await post("/plain/decide", form, { origin: null, cookie: session });
  const unmarked = await post("/plain/decide", { ...form, guard: "x" }, { cookie: session });
  const nobody = await post("/plain/decide", form);
  assert.deepEqual([foreign.status, nameless.status, unmarked.status], [403, 403, 403]);
  assert.match(await nobody.text(), /owner link/i);
  assert((await gateway.list()).pending.some((request) => request.requestId === requestId));

  await post("/plain/decide", form, { cookie: session });
  await line.hello;
  await line.close();
});

test("an owner link works once, a wrong one never, and panic ends the session", async () => {
  const code = await gateway.newLink();
  assert.equal((await post("/plain/sign-in", { code: "nonsense" })).status, 403);
  assert.equal((await post("/plain/sign-in", { code })).status, 303);
  assert.equal((await post("/plain/sign-in", { code })).status, 403);
  await signIn(visit);
  await gateway.shell("openclaw panic --yes");
  await visit.page.goto(`${gateway.origin}/plain`);
  await visit.page.getByLabel("Owner link").waitFor();
});
