// The approve card, all of it: less than was asked, for a while, under another name; undone; never again; several at
// once; and by keyboard alone.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import { cards, decide, launchBrowser, openDesktop, openOwner, openWaitingPhone, untilState } from "../support/browser.mjs";
import { Device } from "../support/device.mjs";
import { Gateway } from "../support/gateway.mjs";
import { startProxy, TRUSTING } from "../support/proxy.mjs";

const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

const OWNER_SCOPES = ["admin", "approvals", "pairing", "questions", "read", "talk.secrets", "write"].map(
  (name) => `operator.${name}`,
);

let gateway, proxy, browser, owner, page;
const lines = new Set();

before(async () => {
  gateway = await Gateway.start({ config: TRUSTING, movableClock: true });
  proxy = await startProxy(gateway);
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway, "/devices");
  page = owner.page;
});

afterEach(async () => {
  await Promise.all([...lines].map((line) => line.close()));
  lines.clear();
  await gateway.rejectAll();
  await cards(page).waitFor({ state: "detached" });
});

after(async () => {
  await browser?.close();
  await proxy?.stop();
  await gateway?.stop();
});

/** A device that asks and waits. */
async function knock(name, { from, ...options } = {}) {
  const device = from ?? new Device(name, options);
  const line = device.connect(gateway.port);
  lines.add(line);
  await line.pending;
  return { device, line };
}

/** What a device is told that is not let in. */
const refusal = (line) => line.hello.then(() => assert.fail("it was let in"), (error) => error);

const card = (name) => cards(page).filter({ has: page.getByRole("heading", { name, exact: true }) });

/** Opens the options of a card, and waits until their code has come. */
async function options(of) {
  await of.getByTestId("more-options").click();
  await of.getByTestId("card-name").waitFor();
}

const stored = async (device) => (await gateway.list()).paired.find(({ deviceId }) => deviceId === device.id);

const undoRow = (name) => page.getByTestId("undo-row").filter({ hasText: `${name} is in.` });

test("less than was asked, for an hour, under another name: and the gateway ends it", async () => {
  const { device, line } = await knock("Tablet", { scopes: OWNER_SCOPES });
  const asks = card("Tablet");
  await options(asks);
  await asks.getByTestId("card-name").fill("Kitchen tablet");
  const box = (scope) => asks.locator(`input[name="operator.${scope}"]`);
  assert(await box("read").isDisabled(), "what admin implies can be unticked beside it");
  await box("admin").uncheck();
  for (const scope of ["approvals", "pairing", "questions", "talk.secrets", "write"]) await box(scope).uncheck();
  assert(await box("read").isChecked());
  await asks.getByText("1 hour", { exact: true }).click();
  await asks.getByRole("button", { name: "Approve this much for 1 hour" }).waitFor();
  await decide(asks, "approve");

  const hello = await line.hello;
  assert.deepEqual(hello.auth.scopes, ["operator.read"]);
  const paired = await stored(device);
  assert.equal(paired.operatorLabel, "Kitchen tablet");
  const row = page.locator(`[data-testid="paired-device"][data-device-id="${device.id}"]`);
  await row.getByText(/^ends in (1 hour|59 minutes)$/).waitFor();

  gateway.moveClock(3601);
  assert.equal(await line.closed, "4001 device approval ended");
  // The page learns the time when it connects.
  await page.reload();
  await untilState(page, "connected");
  await row.getByText(/^ended /).waitFor();
  await knock("Tablet", { from: device });
});

test("a new name, and nothing but: the card asks for one that is left", async () => {
  await knock("Sensor", { scopes: ["operator.read"] });
  const asks = card("Sensor");
  await options(asks);
  await asks.locator('input[name="operator.read"]').uncheck();
  await asks.getByText("Leave it at least one right, or reject it.").waitFor();
  assert.equal(await asks.getByTestId("approve").getAttribute("aria-disabled"), "true");
  await asks.locator('input[name="operator.read"]').check();
  await asks.getByRole("button", { name: "Approve", exact: true }).waitFor();
});

test("each approval can be undone by itself for half a minute, and puts back what was there", async () => {
  const [first, second] = [await knock("First"), await knock("Second")];
  for (const name of ["First", "Second"]) await decide(card(name), "approve");
  await Promise.all([first.line.hello, second.line.hello]);
  await Promise.all([undoRow("First").waitFor(), undoRow("Second").waitFor()]);
  await undoRow("First").getByText(/\((29|28|27|26|25)\)/).waitFor();
  await undoRow("First").getByTestId("undo").click();
  assert.equal(await first.line.closed, "4001 device removed");
  await undoRow("First").waitFor({ state: "detached" });
  assert.equal(await stored(first.device), undefined);
  assert(await stored(second.device), "the other one was undone, too");
  assert(await undoRow("Second").isVisible());
});

test("an upgrade shows what the device has and what it would get, and undone leaves it with that", async () => {
  const { device, line } = await knock("Laptop");
  await decide(card("Laptop"), "approve");
  await line.hello;
  await line.close();
  device.scopes = ["operator.read", "operator.write"];
  device.client = { ...device.client, mode: "ui" };
  const wider = device.connect(gateway.port);
  lines.add(wider);
  assert.deepEqual((await wider.hello).auth.scopes, ["operator.read"], "what it had did not go on working");
  const asks = card("Laptop");
  await asks.getByText("wants more than it has").waitFor();
  assert.match(await asks.getByTestId("has").innerText(), /^see/);
  const adds = await asks.getByTestId("adds").innerText();
  assert.match(adds, /Send messages/);
  assert.doesNotMatch(adds, /See devices/);
  await decide(asks, "approve");
  await until(async () => (await stored(device)).scopes.length === 2);
  await undoRow("Laptop").last().getByTestId("undo").click();
  await until(async () => (await stored(device)).scopes.length === 1);
});

test("a device that describes itself differently shows both", async () => {
  const { device, line } = await knock("Phone");
  await decide(card("Phone"), "approve");
  await line.hello;
  await line.close();
  device.client = { ...device.client, platform: "windows" };
  const other = device.connect(gateway.port);
  lines.add(other);
  await other.pending;
  assert.equal(await card("Phone").getByTestId("differences").innerText(), "android → windows");
});

test("a blocked device is counted and not shown, and Devices lets it ask again", async () => {
  const { device, line } = await knock("Pest");
  const asks = card("Pest");
  await options(asks);
  assert.equal(await asks.getByTestId("block-address").count(), 0, "this machine cannot be blocked");
  await asks.locator('[data-testid="block-device"][aria-disabled="false"]').click();
  await asks.waitFor({ state: "detached" });
  assert.equal((await refusal(line)).details.code, "DEVICE_BLOCKED");
  const row = page.locator(`[data-testid="blocked-device"][data-device-id="${device.id}"]`);
  await row.getByText("has not tried since").waitFor();
  for (let i = 0; i < 3; i++) await refusal(device.connect(gateway.port));
  assert.equal(await cards(page).count(), 0);
  await page.reload();
  await row.getByText("has tried 3 times").waitFor();
  await row.getByTestId("unblock").click();
  await row.waitFor({ state: "detached" });
  await knock("Pest", { from: device });
  await card("Pest").waitFor();
});

test("from elsewhere the address can be blocked with the device", async () => {
  const phone = await openWaitingPhone(browser, proxy.origin);
  const asks = cards(page);
  await options(asks);
  await asks.locator('[data-testid="block-address"][aria-disabled="false"]').click();
  await untilState(phone.page, "refused");
  await phone.page.getByText("The owner has blocked this device").waitFor();
  const row = page.getByTestId("blocked-device");
  await row.getByText("with new devices from").waitFor();
  await row.getByTestId("unblock").click();
  await row.waitFor({ state: "detached" });
  await phone.context.close();
});

test("a device has one card, however often it asks", async () => {
  const { device } = await knock("Eager");
  await card("Eager").waitFor();
  const before = await card("Eager").getAttribute("data-request-id");
  let most = 0;
  for (let i = 0; i < 50; i++) {
    const line = device.connect(gateway.port);
    lines.add(line);
    await line.pending;
    most = Math.max(most, await cards(page).count());
    await line.close();
    lines.delete(line);
  }
  await card("Eager").getByText("51 times so far").waitFor();
  assert.equal(most, 1);
  assert.equal(await card("Eager").getAttribute("data-request-id"), before);
});

test("several are decided together: those the dialog lists, and of them none that has changed", async () => {
  const [first, second] = [await knock("One"), await knock("Two")];
  await Promise.all([card("One").waitFor(), card("Two").waitFor()]);
  await page.getByTestId("approve-all").click();
  const rows = page.getByTestId("bulk-row");
  await rows.nth(1).waitFor();
  assert.equal(await rows.count(), 2);
  // One of them changes under the dialog, and a third one comes that it does not list.
  second.device.name = "Owner's laptop";
  const again = second.device.connect(gateway.port);
  lines.add(again);
  await again.pending;
  const third = await knock("Three");
  await page.locator('[data-testid="bulk-confirm"][aria-disabled="false"]').click();
  await rows.filter({ hasText: "One" }).getByText("is in").waitFor();
  await rows.filter({ hasText: "Two" }).getByText("The request is not what was displayed any more").waitFor();
  await first.line.hello;
  assert.equal(await stored(second.device), undefined);
  assert.equal(await stored(third.device), undefined);
  await page.getByTestId("bulk-close").click();
  await page.getByTestId("reject-all").click();
  assert.equal(await rows.count(), 2);
  await page.locator('[data-testid="bulk-confirm"][aria-disabled="false"]').click();
  await rows.filter({ hasText: "Three" }).getByText("was rejected").waitFor();
  assert.equal((await refusal(third.line)).details.code, "PAIRING_REJECTED");
  await page.getByTestId("bulk-close").click();
});

test("a bare Enter approves nothing, and a keyboard alone does everything", async () => {
  const { device, line } = await knock("Keys");
  await card("Keys").locator('[data-testid="approve"][aria-disabled="false"]').waitFor();
  for (let i = 0; i < 3; i++) await page.keyboard.press("Enter");
  assert.equal((await gateway.list()).pending.length, 1);

  const focused = () => page.evaluate(() => document.activeElement?.dataset.testid ?? document.activeElement?.localName);
  const isIn = (words) => page.evaluate((words) => document.activeElement.parentElement.innerText.includes(words), words);
  async function tabTo(testId, beside = "") {
    for (let i = 0; i < 80; i++) {
      if ((await focused()) === testId && (await isIn(beside))) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`the keyboard does not reach ${testId}, but ${await focused()}`);
  }
  await tabTo("more-options");
  await page.keyboard.press("Enter");
  await card("Keys").getByTestId("card-name").waitFor();
  await tabTo("card-name");
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("Typed");
  // Enter in a field is a bare Enter, too.
  await page.keyboard.press("Enter");
  assert.equal((await gateway.list()).pending.length, 1);
  await tabTo("approve");
  await page.keyboard.press("Enter");
  await line.hello;
  assert.equal((await stored(device)).operatorLabel, "Typed");
  await undoRow("Typed").waitFor();
  assert.notEqual(await focused(), "undo", "a second Enter would take it back");
  await tabTo("undo", "Typed");
  await page.keyboard.press("Enter");
  assert.equal(await line.closed, "4001 device removed");
  assert.equal(await stored(device), undefined);
});

test("a name cannot disguise itself, nor crowd out what the decision is about", async () => {
  await knock(`Phone\u202exile\u200b${"W".repeat(200)}`);
  const asks = cards(page);
  const heading = await asks.getByRole("heading").innerText();
  assert(!/[\u202e\u200b]/.test(heading), heading);
  assert(heading.length <= 65, `${heading.length} characters`);
  for (const part of ["approve", "reject"]) {
    await asks.getByTestId(part).scrollIntoViewIfNeeded();
    assert(await asks.getByTestId(part).isVisible());
  }
  const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert(width <= 0, `the page is ${width} px too wide`);
});

test("whatever it unfolds is accessible and fits, on a phone and a desk, in both themes", async () => {
  await knock("Blocked one");
  await options(card("Blocked one"));
  await card("Blocked one").locator('[data-testid="block-device"][aria-disabled="false"]').click();
  await page.getByTestId("blocked-device").waitFor();
  await knock("Undone one");
  await decide(card("Undone one"), "approve");
  await undoRow("Undone one").waitFor();
  await knock("Second one", { scopes: ["operator.write", "operator.read"] });
  await knock("First one", { scopes: OWNER_SCOPES });
  await options(card("First one"));
  await card("First one").getByText("1 hour", { exact: true }).click();
  await card("First one").locator('input[name="operator.admin"]').uncheck();
  await page.evaluate(axe);
  const check = async (what) => {
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        const scrollWidth = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.equal(scrollWidth, width, `${what} scrolls at ${width} px`);
        assert.deepEqual(await violations(), [], `${what}, ${colorScheme}, ${width} px`);
      }
    }
  };
  await check("the page");
  await page.getByTestId("approve-all").click();
  await page.getByTestId("bulk-row").nth(1).waitFor();
  await check("the dialog");
  await page.keyboard.press("Escape");
  await page.getByTestId("bulk").waitFor({ state: "detached" });
});

const violations = () =>
  page.evaluate(async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  });

/** Waits until something has become true. */
async function until(holds) {
  for (let i = 0; i < 400; i++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.fail(`waited in vain: ${holds}`);
}
