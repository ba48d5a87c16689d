// Browsers that may not decide: they are told so, in words, and nothing they click decides anything.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { cards, decide, launchBrowser, openDesktop, openOwner, openPhone, untilState } from "../support/browser.mjs";
import { Device } from "../support/device.mjs";
import { askFor } from "../support/fewer-scopes.mjs";
import { Gateway } from "../support/gateway.mjs";
import { Node } from "../support/node.mjs";
import { PageLine } from "../support/page-line.mjs";
import { PairDialog } from "../support/pair-dialog.mjs";
import { PUBLIC_ADDRESS, reachableAt, startProxy, TRUSTING } from "../support/proxy.mjs";

let gateway, proxy, internet, browser, owner, barred;

before(async () => {
  gateway = await Gateway.start({ config: TRUSTING });
  proxy = await startProxy(gateway);
  internet = await startProxy(gateway, PUBLIC_ADDRESS);
  await gateway.change(reachableAt(proxy.origin));
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway, "/devices");
});

afterEach(async () => {
  await barred?.context.close();
  await gateway.rejectAll();
  // A dialog that a failed test left open would be in the way.
  await owner.page.reload();
  await owner.page.getByTestId("paired-device").first().waitFor();
  await cards(owner.page).waitFor({ state: "detached" });
});

after(async () => {
  await browser?.close();
  await proxy?.stop();
  await internet?.stop();
  await gateway?.stop();
});

/** A phone that came in by a one-time code for `much`. */
async function openByCode(much) {
  const dialog = new PairDialog(owner.page);
  const link = await dialog.makeCode(much);
  const phone = await openPhone(browser);
  await phone.page.goto(link);
  await untilState(phone.page, "connected");
  await dialog.box.getByTestId("pair-done").click();
  return phone;
}

/** A browser that was approved for these scopes only, and shows the devices. */
async function openWith(scopes, { origin = gateway.origin, knock = () => {} } = {}) {
  const profile = await openDesktop(browser, { ignoreHTTPSErrors: true });
  await askFor(profile.page, scopes);
  await profile.page.goto(`${origin}/devices`);
  await knock(profile.page);
  await untilState(profile.page, "waiting");
  await decide(cards(owner.page), "approve");
  await untilState(profile.page, "connected");
  return profile;
}

/** Types the gateway's token where the page asks for it. */
async function typeToken(page) {
  await page.getByTestId("secret-input").fill(gateway.token);
  await page.getByRole("button", { name: "Continue" }).click();
}

/** Gives a browser another name on its own page. When that shows, the page has heard all that happened before. */
async function renameItself(page, name) {
  await page.getByTestId("rename").click();
  await page.getByTestId("rename-input").fill(name);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByTestId("paired-device").getByRole("heading", { name }).waitFor();
}

const cardOf = (page, requestId) => page.locator(`[data-testid="pending-card"][data-request-id="${requestId}"]`);

/** Waits until one could decide on a card, and says what Approve is then. */
async function isApproveInert(card) {
  await card.locator('[data-testid="reject"][aria-disabled="false"]').waitFor();
  return (await card.getByTestId("approve").getAttribute("aria-disabled")) === "true";
}

const waiting = async () => (await gateway.list()).pending.map(({ requestId }) => requestId);

test("a browser that may only see and send learns nothing of who waits, and is told what to do instead", async () => {
  barred = await openByCode("See and send");
  const { page } = barred;
  const line = await PageLine.take(page);
  await page.getByText("This browser may not see the other devices.").waitFor();
  await page.getByRole("link", { name: "Devices" }).click();
  await page.getByText("This browser may not see or decide about devices.").waitFor();
  await page.getByText("openclaw devices list").waitFor();

  const device = new Device("Kitchen tablet").connect(gateway.port);
  await device.pending;
  await cards(owner.page).getByText("Kitchen tablet").first().waitFor();
  await line.renew();
  assert.equal(await cards(page).count(), 0);
  assert.equal(await page.getByTestId("paired-device").count(), 0);
  assert.equal(await page.getByTestId("pair-device").count(), 0);
  assert(!(await page.content()).includes("Kitchen tablet"), "it was told who waits");
  // Overview may ask how the gateway is; that says nothing of devices.
  assert.deepEqual(line.asked.filter((method) => !["connect", "status"].includes(method)), []);
  assert.deepEqual(barred.problems, []);
  await device.close();
});

test("what a code for everything gives is what the dialog says", async () => {
  const dialog = new PairDialog(owner.page);
  await dialog.open();
  await dialog.says("See, send, change settings, and let others in.");
  await dialog.close();
  barred = await openByCode("Everything");
  const { page } = barred;
  await page.goto(`${proxy.origin}/devices`);
  await untilState(page, "connected");
  const device = new Device("Kitchen tablet").connect(gateway.port);
  await device.pending;
  await decide(cards(page), "approve");
  await device.hello;
  await page.getByTestId("pair-device").waitFor();
  await device.close();
});

test("a browser without full rights hears of nobody else's request, and of nobody else's node", async () => {
  barred = await openWith(["operator.pairing", "operator.read"]);
  const { page } = barred;
  await page.getByTestId("paired-device").getByText("this browser").waitFor();
  const line = await PageLine.take(page);
  const device = new Device("Kitchen tablet").connect(gateway.port);
  const node = new Node("Build machine").connect(gateway.port);
  await Promise.all([device.pending, node.pending]);
  await cards(owner.page).nth(1).waitFor();
  await renameItself(page, "Reception");
  assert(line.asked.includes("device.pair.rename"));
  assert.equal(await cards(page).count(), 0);
  assert(!(await page.content()).includes("Kitchen tablet"), "it was told who waits");
  assert.equal(await page.getByTestId("paired-device").count(), 1);
  assert.equal(await page.getByTestId("pair-device").count(), 0);
  assert.deepEqual(barred.problems, []);
  await Promise.all([device.close(), node.close()]);
});

test("a browser that asks for more than it has cannot give it to itself, and is told who can", async () => {
  barred = await openWith(["operator.pairing", "operator.read"]);
  // A page of ours asks for everything.
  const page = await barred.context.newPage();
  await page.goto(`${gateway.origin}/devices`);
  await untilState(page, "connected");
  await page.getByText("permissions wait for approval.").waitFor();
  const card = cards(page);
  await card.getByText("wants more than it has").waitFor();
  const [requestId] = await waiting();
  const told = await card.getByTestId("barred").innerText();
  assert.equal(
    told,
    "Only a device with full rights may approve this. Ask its owner, or run " +
      `openclaw devices approve ${requestId} on the gateway's machine.`,
  );
  const line = await PageLine.take(page);
  assert(await isApproveInert(card), "it may approve");
  await card.getByTestId("approve").click({ force: true });
  await renameItself(page, "Back office");
  assert(line.asked.includes("device.pair.rename"));
  assert(!line.asked.includes("device.pair.approve"), "it asked all the same");
  assert.deepEqual(await waiting(), [requestId]);

  // What the words say does it.
  const { code, stderr } = await gateway.shell(`openclaw devices approve ${requestId}`);
  assert.equal(code, 0, stderr);
  await page.getByTestId("pair-device").waitFor();
  await card.waitFor({ state: "detached" });
});

test("a browser may take its own wish for more back", async () => {
  barred = await openWith(["operator.pairing", "operator.read"]);
  const page = await barred.context.newPage();
  await page.goto(`${gateway.origin}/devices`);
  await untilState(page, "connected");
  await decide(cards(page), "reject");
  await cards(page).waitFor({ state: "detached" });
  await cards(owner.page).waitFor({ state: "detached" });
  assert.deepEqual(await waiting(), []);
});

test("a browser that showed the token sees all that waits, and approves what it could do itself, no more", async () => {
  const scopes = ["operator.pairing", "operator.read"];
  barred = await openWith(scopes, { origin: internet.origin, knock: typeToken });
  const { page } = barred;
  const [reader, writer, node] = [
    new Device("Wall display"),
    new Device("Kitchen tablet", { scopes: ["operator.write"] }),
    new Node("Build machine"),
  ];
  const lines = [reader, writer, node].map((device) => device.connect(gateway.port));
  const requests = await Promise.all(lines.map(async ({ pending }) => (await pending).requestId));
  const [reading, writing, serving] = requests.map((requestId) => cardOf(page, requestId));

  const commandFor = (requestId) => `Ask its owner, or run openclaw devices approve ${requestId} on the gateway's machine.`;
  for (const [card, requestId, whom] of [
    [writing, requests[1], "Only a device that may send may approve this."],
    [serving, requests[2], "Only a device with full rights may approve this."],
  ]) {
    assert.equal(await card.getByTestId("barred").innerText(), `${whom} ${commandFor(requestId)}`);
    assert(await isApproveInert(card), "it may approve");
    await card.getByTestId("approve").click({ force: true });
  }
  assert.equal(await reading.getByTestId("barred").count(), 0);
  assert(!(await isApproveInert(reading)), "it may not approve");
  await reading.getByTestId("approve").click();
  await lines[0].hello;
  await reading.waitFor({ state: "detached" });
  assert.deepEqual((await waiting()).toSorted(), requests.slice(1).toSorted());

  // It may turn away whom it may not let in.
  await decide(serving, "reject");
  await assert.rejects(lines[2].hello, { message: /reject/ });
  for (const shown of [page, owner.page]) await cardOf(shown, requests[2]).waitFor({ state: "detached" });
  assert.deepEqual(barred.problems, []);
  await Promise.all(lines.map((line) => line.close()));
});
