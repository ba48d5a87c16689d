// Getting about by a few letters, in the language one reads, and seeing from where others can come.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { launchBrowser, openDesktop, openOwner, untilState } from "../support/browser.mjs";
import { Device } from "../support/device.mjs";
import { Gateway } from "../support/gateway.mjs";

let gateway, browser, owner, page;

before(async () => {
  gateway = await Gateway.start();
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway);
  page = owner.page;
});

beforeEach(async () => {
  await page.goto(gateway.origin);
  await untilState(page, "connected");
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

const query = () => page.getByTestId("palette-query");

test("Ctrl-K, a few letters and Enter lead to a page, and Escape leads nowhere", async () => {
  await page.keyboard.press("Control+k");
  await query().fill("dvc");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${gateway.origin}/devices`);
  await query().waitFor({ state: "detached" });
  await page.keyboard.press("Control+k");
  await query().fill("over");
  await page.keyboard.press("Escape");
  await query().waitFor({ state: "detached" });
  assert.equal(page.url(), `${gateway.origin}/devices`);
});

test("the arrows choose, and a device is found by its name", async () => {
  await page.getByTestId("find").click();
  await query().waitFor();
  const chosen = page.getByRole("option", { selected: true });
  const first = await chosen.innerText();
  await page.keyboard.press("ArrowDown");
  assert.notEqual(await chosen.innerText(), first);
  await page.keyboard.press("ArrowUp");
  assert.equal(await chosen.innerText(), first);
  await query().fill("chrome");
  await page.getByRole("option", { name: "paired device" }).click();
  await page.waitForURL(/\/devices#device-[0-9a-f]{64}$/);
  await page.keyboard.press("Control+k");
  await query().fill("nothing like it");
  await page.getByText("Nothing fits.").waitFor();
  await page.keyboard.press("Escape");
});

test("the page speaks Chinese where somebody chooses it or the browser prefers it, and English again", async () => {
  await page.keyboard.press("Control+k");
  await query().fill("中文");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "设备", exact: true }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "zh");
  await page.keyboard.press("Control+k");
  await query().fill("English");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Devices", exact: true }).waitFor();

  const visitor = await openDesktop(browser, { locale: "zh-CN" });
  await visitor.page.goto(gateway.origin);
  await untilState(visitor.page, "waiting");
  assert.equal(await visitor.page.locator("html").getAttribute("lang"), "zh");
  assert.deepEqual(visitor.problems, []);
  await visitor.context.close();
  await gateway.rejectAll();
});

test("a device that wants in is seen on every page, and on none once somebody has decided", async () => {
  const places = ["/", "/devices", "/settings", "/doctor", "/audit", "/logs"];
  const tabs = await Promise.all(
    places.map(async (place) => {
      const tab = await owner.context.newPage();
      await tab.goto(gateway.origin + place);
      await untilState(tab, "connected");
      return tab;
    }),
  );
  const phone = new Device("Phone for all").connect(gateway.port);
  await phone.pending;
  const cards = tabs.map((tab) => tab.getByTestId("pending-card").filter({ hasText: "Phone for all" }));
  await Promise.all(cards.map((card) => card.waitFor()));
  await gateway.rejectAll();
  await Promise.all(cards.map((card) => card.waitFor({ state: "detached" })));
  await phone.close();
  await Promise.all(tabs.map((tab) => tab.close()));
});

test("Overview says from where the gateway can be reached", async () => {
  const ways = page.getByTestId("reach").getByRole("listitem");
  assert.deepEqual(await ways.allInnerTexts(), ["this machine it listens on 127.0.0.1"]);
  assert.deepEqual(owner.problems, []);
});
