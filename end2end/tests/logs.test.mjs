// The log as it is written: live, by level, searched, paused; what strangers write in it is text.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, openDesktop, untilState } from "../support/browser.mjs";
import { Device } from "../support/device.mjs";
import { Gateway } from "../support/gateway.mjs";

let gateway, browser, owner, page;

before(async () => {
  gateway = await Gateway.start();
  browser = await launchBrowser();
  owner = await openDesktop(browser);
  page = owner.page;
  await page.clock.install();
  await page.goto(await gateway.newLink());
  await untilState(page, "connected");
  await page.goto(`${gateway.origin}/logs`);
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

const lines = () => page.getByTestId("log-line");

/** Somebody is turned away, which the log tells. */
const knock = (token) => assert.rejects(new Device("Stranger").connect(gateway.port, { token }).hello);

test("what is logged appears by itself, the newest first", async () => {
  await lines().filter({ hasText: "The gateway runs" }).waitFor();
  await knock("wrong");
  await lines().filter({ hasText: "Refused: That is not the gateway's access token." }).first().waitFor();
  assert.equal(await page.locator("main img").count(), 0);
});

test("a search and a level leave the rest out", async () => {
  await page.getByTestId("log-search").fill("refused:");
  await lines().filter({ hasText: "The gateway runs" }).waitFor({ state: "detached" });
  assert((await lines().count()) >= 1);
  await page.getByTestId("log-search").fill("");
  await page.getByTestId("log-level").selectOption("error");
  await page.getByTestId("logs-empty").waitFor();
  await page.getByTestId("log-level").selectOption("debug");
  await lines().first().waitFor();
});

test("paused, nothing moves; going on shows what came meanwhile", async () => {
  const refusals = lines().filter({ hasText: "Refused:" });
  const before = await refusals.count();
  await page.getByTestId("log-pause").click();
  await page.getByTestId("log-state").getByText("paused").waitFor();
  await knock("wrong again");
  // Time for several looks.
  await page.clock.runFor(10_000);
  assert.equal(await refusals.count(), before);
  await page.getByTestId("log-pause").click();
  await refusals.nth(before).waitFor();
  assert.deepEqual(owner.problems, []);
});
