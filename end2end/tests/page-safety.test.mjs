// The page obeys its gateway only, shows what strangers write as text, and costs little to load.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { decide, INSECURE_HOST, launchBrowser, openDesktop, openOwner, untilState } from "../support/browser.mjs";
import { Device } from "../support/device.mjs";
import { laterParts, measureFirstLoad } from "../support/first-load.mjs";
import { Gateway } from "../support/gateway.mjs";

const FIRST_LOAD_BYTES = 250 * 1024;
const FIRST_LOAD_REQUESTS = 8;
const LATER_PARTS_BYTES = 450 * 1024;

let gateway, browser, owner;

before(async () => {
  gateway = await Gateway.start();
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway);
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

test("the first load takes at most 250 KB and 8 requests, all to the gateway, for a guest and for the owner", async (t) => {
  for (const [url, state] of [
    [gateway.origin, "waiting"],
    [await gateway.newLink(), "connected"],
  ]) {
    const { requests, bytes } = await measureFirstLoad(browser, url, state);
    t.diagnostic(`${state}: ${bytes} bytes in ${requests.length} requests`);
    assert(requests.every((url) => url.startsWith(`${gateway.origin}/`)), requests.join("\n"));
    assert(requests.length <= FIRST_LOAD_REQUESTS, requests.join("\n"));
    assert(bytes <= FIRST_LOAD_BYTES, `${state}: ${bytes} bytes`);
  }
  await gateway.rejectAll();
});

test("the parts that come later take at most 450 KB in all", async (t) => {
  const parts = await laterParts(gateway.origin);
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  t.diagnostic(parts.map(({ name, bytes }) => `${name} ${bytes}`).join(", "));
  assert(parts.length > 0);
  assert(bytes <= LATER_PARTS_BYTES, `${bytes} bytes`);
});

test("a part that cannot be fetched says so, and comes once it can be", async () => {
  const { context, page } = await openOwner(browser, gateway);
  await page.route("**/split_*.wasm", (route) => route.abort());
  await page.getByRole("link", { name: "Devices" }).click();
  await page.getByTestId("part-failed").getByText("could not be fetched").waitFor();
  await page.unroute("**/split_*.wasm");
  await page.getByTestId("part-again").click();
  await page.getByTestId("paired-device").first().waitFor();
  await context.close();
});

test("the page's policy allows no inline code, and a visit breaks neither it nor anything else", async () => {
  const { context, page, problems } = await openDesktop(browser);
  const policies = [];
  for (const path of ["/", "/devices"]) {
    const response = await page.goto(gateway.origin + path);
    policies.push(response.headers()["content-security-policy"]);
    await untilState(page, "waiting");
  }
  for (const policy of policies) {
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /connect-src 'self'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|\*/);
  }
  assert.notEqual(policies[0], policies[1], "the nonce was used twice");
  assert.deepEqual([...problems, ...owner.problems], []);
  await context.close();
});

test("a name with markup in it is shown as text, on the card and in the list", async () => {
  const name = "</script><img src=x onerror=alert(1)>";
  const { context, page, problems } = await openOwner(browser, gateway, "/devices");
  page.on("dialog", () => problems.push("a dialog opened"));
  const device = new Device(name).connect(gateway.port);
  const { requestId } = await device.pending;
  const card = page.locator(`[data-request-id="${requestId}"]`);
  await card.getByText(name).first().waitFor();
  await decide(card, "approve");
  await device.hello;
  await page.getByTestId("paired-device").getByText(name).first().waitFor();
  await page.reload();
  await page.getByTestId("paired-device").getByText(name).first().waitFor();
  assert.equal(await page.locator("img").count(), 0);
  assert.deepEqual(problems, []);
  await device.close();
  await context.close();
});

test("no address given in a link can send the page to another gateway", async () => {
  let connections = 0;
  const trap = createServer((socket) => {
    connections += 1;
    socket.destroy();
  }).listen(0, "127.0.0.1");
  await once(trap, "listening");
  const elsewhere = `gatewayUrl=ws://127.0.0.1:${trap.address().port}`;
  for (const suffix of [`/?${elsewhere}`, `/#${elsewhere}`, `/devices?${elsewhere}&token=t#${elsewhere}`]) {
    await owner.page.goto("about:blank");
    await owner.page.goto(gateway.origin + suffix);
    await untilState(owner.page, "connected");
  }
  assert.equal(connections, 0);
  trap.close();
});

test("without JavaScript the page says what it is and what to do instead", async () => {
  const { context, page } = await openDesktop(browser, { javaScriptEnabled: false });
  await page.goto(gateway.origin);
  const shown = await page.locator("body").innerText();
  assert(shown.includes("This page needs JavaScript") && shown.includes("openclaw devices approve"), shown);
  await context.close();
});

test("over plain HTTP under another name the page is served, says why it stops, and shows ways out", async () => {
  const { context, page, problems } = await openDesktop(browser);
  const response = await page.goto(`http://${INSECURE_HOST}:${gateway.port}/`);
  assert.equal(response.status(), 200);
  await untilState(page, "insecure");
  for (const way of ["HTTPS", "tailscale serve", `ssh -L ${gateway.port}:127.0.0.1:${gateway.port}`]) {
    await page.getByText(way).first().waitFor();
  }
  assert.deepEqual(problems, []);
  await context.close();
});
