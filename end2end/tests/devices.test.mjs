// The page of devices: found, sorted and paged by the gateway; one in detail; many at once; what nobody has seen.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { cards, decide, launchBrowser, openOwner } from "../support/browser.mjs";
import { Device } from "../support/device.mjs";
import { Gateway } from "../support/gateway.mjs";
import { daysAgo, takeOver } from "../support/many-devices.mjs";
import { Node } from "../support/node.mjs";

const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

let gateway, browser, owner, page, known;

/** What is special about which of the devices that are taken over. */
const special = {
  0: { displayName: "Zoe's phone", operatorLabel: "Zoe", platform: "android", clientId: "openclaw-android" },
  1: { displayName: "Attic", remoteIp: "203.0.113.99" },
  2: { displayName: "Old one", lastSeenAtMs: daysAgo(120), approvedAtMs: daysAgo(200), createdAtMs: daysAgo(200) },
  3: {
    displayName: "Older one",
    lastSeenAtMs: daysAgo(180),
    approvedAtMs: daysAgo(200),
    createdAtMs: daysAgo(200),
    approvedVia: "silent",
  },
};

before(async () => {
  gateway = await Gateway.start();
  known = await takeOver(gateway, 60, (number) => special[number] ?? {});
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway, "/devices");
  page = owner.page;
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

const rows = () => page.getByTestId("paired-device");
const row = (id) => page.locator(`[data-testid="paired-device"][data-device-id="${id}"]`);
const details = () => page.getByTestId("device-details");
const range = (words) => page.getByTestId("range").getByText(words, { exact: true }).waitFor();
const paired = async (id) => (await gateway.list()).paired.find(({ deviceId }) => deviceId === id);

/** The page as it was at first. */
async function anew() {
  await page.goto(`${gateway.origin}/devices`);
  await range("1 to 50 of 61");
}

test("every row says which device it is, and what is only its own word is marked as that", async () => {
  await anew();
  await page.getByTestId("device-search").fill("zoe");
  await range("1 to 1 of 1");
  const told = await row(known[0].deviceId).innerText();
  assert.match(told, /^Zoe\n/);
  for (const fact of [
    /What\s+Android app on android/,
    /Calls itself\s+Zoe's phone/,
    /May\s+see/,
    /Address\s+this machine/,
    /Seen\s+first 1 day ago, last 1 day ago/,
    /Approved\s+by the owner/,
  ]) {
    assert.match(told, fact);
  }
  await page.getByTestId("device-search").fill("");
  await range("1 to 50 of 61");
  const own = rows().filter({ hasText: "this browser" });
  assert.equal(await own.count(), 1);
  assert.equal(await own.getByTestId("choose").count(), 0, "this browser could be chosen");
});

test("the gateway searches, filters, sorts and turns pages", async () => {
  await anew();
  await page.getByTestId("page-next").click();
  await range("51 to 61 of 61");
  assert.equal(await rows().count(), 11);
  await page.getByTestId("device-search").fill("203.0.113");
  await range("1 to 1 of 1");
  await row(known[1].deviceId).waitFor();
  await page.getByTestId("device-search").fill("nobody at all");
  await page.getByText("No device fits.").waitFor();
  await page.getByTestId("device-search").fill("");
  await page.getByTestId("device-state").selectOption("online");
  await range("1 to 1 of 1");
  await rows().getByText("this browser").waitFor();
  await page.getByTestId("device-state").selectOption("");
  await page.getByTestId("device-seen").selectOption("-90");
  await range("1 to 2 of 2");
  await page.getByTestId("device-sort").selectOption("idle");
  await rows().first().getByRole("heading", { name: "Older one" }).waitFor();
  await page.getByTestId("device-sort").selectOption("name");
  await rows().first().getByRole("heading", { name: "Old one" }).waitFor();
  await page.getByTestId("device-seen").selectOption("");
  await page.getByTestId("device-role").selectOption("node");
  await page.getByText("No device fits.").waitFor();
  assert.deepEqual(owner.problems, []);
});

test("a device's details tell how to know it, what it holds, where it was, and on whose word", async () => {
  const device = new Device("Ada's phone", { scopes: ["operator.read", "operator.write"] });
  const line = device.connect(gateway.port);
  await line.pending;
  await decide(cards(page), "approve");
  await line.hello;
  await page.goto(`${gateway.origin}/devices#device-${device.id}`);
  await details().getByRole("heading", { name: "Ada's phone" }).waitFor();
  assert.equal(await details().getByTestId("fingerprint-emoji").locator("span").count(), 6);
  await details().getByText(device.id).waitFor();
  assert.match(await details().getByTestId("approved-by").innerText(), /^by the owner, on .+, just now$/);
  const token = details().getByTestId("token");
  const held = await token.innerText();
  for (const fact of [/operator\.write/, /operator\.read/, /Created\s+just now/, /Last used\s+/, /Expires\s+when it is revoked/]) {
    assert.match(held, fact);
  }
  await details().getByTestId("addresses").getByText(/connected since just now/).waitFor();

  await details().getByTestId("details-rename").click();
  await details().getByTestId("rename-input").fill("Ada");
  await details().getByRole("button", { name: "Save" }).click();
  await details().getByRole("heading", { name: "Ada", exact: true }).waitFor();
  await token.getByTestId("token-revoke").click();
  await page.getByTestId("confirm").click();
  await token.getByText(/Revoked\s*/).waitFor();
  assert.equal(await line.closed.then((how) => how.split(" ")[0]), "4001");
  await details().getByTestId("details-block").click();
  await page.getByTestId("confirm").click();
  await page.getByTestId("blocked-device").getByText("Ada").waitFor();
  await page.keyboard.press("Escape");
  await page.waitForURL(`${gateway.origin}/devices`);
  assert.equal(await paired(device.id), undefined);

  await page.getByTestId("device-state").selectOption("blocked");
  assert.equal(await rows().count(), 0);
  await page.getByTestId("unblock").click();
  await page.getByText("Nobody is blocked.").waitFor();
});

test("a name of the owner's stays with a device whose access is revoked", async () => {
  await anew();
  const { deviceId } = known[10];
  await page.getByTestId("device-search").fill("Device 00010");
  await row(deviceId).getByTestId("rename").click();
  await row(deviceId).getByTestId("rename-input").fill("Shelf");
  await page.keyboard.press("Enter");
  await row(deviceId).getByRole("heading", { name: "Shelf" }).waitFor();
  await row(deviceId).getByText("Device 00010").waitFor();
  await row(deviceId).getByTestId("revoke").click();
  await page.getByTestId("confirm").click();
  await row(deviceId).getByText("revoked", { exact: true }).waitFor();
  assert.equal((await paired(deviceId)).operatorLabel, "Shelf");
});

test("what is selected on several pages is removed or revoked, and nothing else", async () => {
  await anew();
  await page.getByTestId("device-sort").selectOption("name");
  const [first, second, third] = [known[20], known[21], known[22]].map(({ deviceId }) => deviceId);
  for (const id of [first, second]) await row(id).getByTestId("choose").check();
  await page.getByTestId("device-search").fill("Device 00022");
  await row(third).getByTestId("choose").check();
  assert.equal(await page.getByTestId("chosen").innerText(), "3 selected");
  await page.getByTestId("revoke-chosen").click();
  const many = page.getByTestId("many");
  const names = async () => (await many.getByTestId("many-row").allInnerTexts()).map((text) => text.split("\n")[0]);
  assert.deepEqual((await names()).sort(), ["Device 00020", "Device 00021", "Device 00022"]);
  await many.locator(`[data-device-id="${second}"] input`).uncheck();
  await many.getByTestId("many-confirm").click();
  await many.getByRole("button", { name: "Close" }).click();
  const isRevoked = async (id) => (await paired(id)).tokens.every(({ revokedAtMs }) => revokedAtMs);
  assert.deepEqual(await Promise.all([first, second, third].map(isRevoked)), [true, false, true]);

  await page.getByTestId("device-search").fill("Device 0002");
  await range("1 to 10 of 10");
  await row(first).getByTestId("choose").check();
  await row(second).getByTestId("choose").check();
  await page.getByTestId("remove-chosen").click();
  await many.getByTestId("many-confirm").click();
  await many.getByRole("button", { name: "Close" }).click();
  await range("1 to 8 of 8");
  assert.deepEqual([await paired(first), await paired(second)], [undefined, undefined]);
  assert((await paired(third)) !== undefined);
});

test("what nobody has seen for 90 days is shown before it is removed, with on whose word it was in", async () => {
  await page.goto(`${gateway.origin}/devices`);
  await page.getByTestId("clean-up").click();
  const many = page.getByTestId("many");
  const told = await many.getByTestId("many-row").allInnerTexts();
  assert.deepEqual(
    told.map((text) => text.replace(/\s+/g, " ").trim()),
    [
      "Older one seen 180 days ago; approved by itself, on this machine",
      "Old one seen 120 days ago; approved by the owner",
    ],
  );
  await many.locator(`[data-device-id="${known[2].deviceId}"] input`).uncheck();
  await many.getByRole("button", { name: "Remove 1", exact: true }).click();
  await many.getByRole("button", { name: "Close" }).click();
  await page.getByTestId("clean-up").getByText("Not seen for 90 days: 1…").waitFor();
  assert.equal(await paired(known[3].deviceId), undefined);
  assert((await paired(known[2].deviceId)) !== undefined);
});

test("a node's commands are listed, and one that changes nothing is tried: its answer, or why there is none", async () => {
  await page.goto(`${gateway.origin}/devices`);
  const node = new Node("Build machine", ["system.which", "device.info"]);
  const line = node.connect(gateway.port);
  await line.pending;
  await decide(cards(page), "approve");
  await line.hello;
  await row(node.id).getByTestId("details").click();
  await details().getByTestId("commands").getByText("See which programs are installed").waitFor();
  const tries = details().getByTestId("trial-command");
  assert.deepEqual((await tries.locator("option").allInnerTexts()).sort(), ["device.info", "system.which"]);
  await tries.selectOption("system.which");
  await details().getByTestId("trial").click();
  const answer = await details().getByTestId("trial-answer").innerText();
  assert.deepEqual(JSON.parse(answer), { bins: ["sh"] });
  await line.close();
  await tries.selectOption("device.info");
  await details().getByTestId("trial").click();
  assert.match(await details().getByTestId("trial-failed").innerText(), /\w+\. \w+/);
});

test("a waiting browser is told that a private window keeps nothing", async () => {
  const context = await browser.newContext();
  const visitor = await context.newPage();
  await visitor.goto(gateway.origin);
  await visitor.getByTestId("private").getByText("In a private window").waitFor();
  await context.close();
  await gateway.rejectAll();
});

test("the list, the details and the dialogs fit and are accessible at every width, in light and dark", async () => {
  const violations = () =>
    page.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    });
  const views = {
    list: async () => void (await page.getByTestId("choose").first().check()),
    details: async () => {
      await rows().first().getByTestId("details").click();
      await details().getByTestId("token").waitFor();
    },
    many: async () => {
      await page.keyboard.press("Escape");
      await page.getByTestId("remove-chosen").click();
    },
  };
  await page.goto(`${gateway.origin}/devices`);
  await rows().first().waitFor();
  await page.evaluate(axe);
  for (const [name, open] of Object.entries(views)) {
    await page.setViewportSize({ width: 1280, height: 800 });
    await open();
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [360, 768, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        if (process.env.PICTURES) {
          await page.screenshot({ path: `${process.env.PICTURES}/devices-${name}-${width}-${colorScheme}.png` });
        }
        const scrollWidth = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.equal(scrollWidth, width, `${name} scrolls at ${width} px`);
        assert.deepEqual(await violations(), [], `${name}, ${colorScheme}, ${width} px`);
      }
    }
  }
});
