// Ten thousand devices: the gateway holds them, a page of them is all that a browser ever gets.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, openOwner, untilState } from "../support/browser.mjs";
import { Gateway } from "../support/gateway.mjs";
import { takeOver } from "../support/many-devices.mjs";

const MANY = 10_000;

/** What the page may get over its socket until the first page of devices is shown. All ten thousand would be ten
 *  megabytes. */
const MAX_BYTES = 120 * 1024;

let gateway, browser, owner, page;

before(async () => {
  gateway = await Gateway.start();
  await takeOver(gateway, MANY, (number) => (number === MANY - 1 ? { displayName: "Attic lamp" } : {}));
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway);
  page = owner.page;
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

const rows = () => page.getByTestId("paired-device");
const range = (words) => page.getByTestId("range").getByText(words, { exact: true }).waitFor();

test("of ten thousand devices a browser gets and shows a page, wherever it looks", async () => {
  const devtools = await owner.context.newCDPSession(page);
  let received = 0;
  devtools.on("Network.webSocketFrameReceived", ({ response }) => (received += response.payloadData.length));
  await devtools.send("Network.enable");
  await page.reload();
  await untilState(page, "connected");
  await page.getByText(String(MANY + 1), { exact: true }).waitFor();
  assert(received < MAX_BYTES / 4, `the overview took ${received} bytes`);

  await page.goto(`${gateway.origin}/devices`);
  await range(`1 to 50 of ${MANY + 1}`);
  await page.getByText(`${MANY + 1} in all, 1 connected now`).waitFor();
  assert.equal(await rows().count(), 50);
  assert(received < MAX_BYTES, `the first page took ${received} bytes`);

  const before = received;
  await page.getByTestId("device-sort").selectOption("name");
  await rows().first().getByRole("heading", { name: "Attic lamp" }).waitFor();
  await page.getByTestId("page-next").click();
  await range(`51 to 100 of ${MANY + 1}`);
  assert.equal(await rows().count(), 50);
  await page.getByTestId("device-search").fill("lamp attic");
  await range("1 to 1 of 1");
  assert.equal(await rows().count(), 1);
  const spent = received - before;
  assert(spent < 4 * MAX_BYTES, `sorting, turning and searching took ${spent} bytes`);
  assert.deepEqual(owner.problems, []);
});
