// Nodes: what they offer is shown in plain words, approved with the device or by itself, in every tab.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cards, decide, launchBrowser, openOwner } from "../support/browser.mjs";
import { Gateway } from "../support/gateway.mjs";
import { Node } from "../support/node.mjs";

let gateway, browser, owner;

before(async () => {
  gateway = await Gateway.start();
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway, "/devices");
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

const nodeCards = (page) => page.getByTestId("node-card");
const row = (page, device) => page.locator(`[data-testid="paired-device"][data-device-id="${device.id}"]`);

test("one approval covers a node and what it offers, and more of it waits for a decision of its own", async () => {
  const node = new Node("Build machine", ["system.which"]);
  const asking = node.connect(gateway.port);
  await asking.pending;
  const card = cards(owner.page);
  await card.getByText("See which programs are installed").waitFor();
  await decide(card, "approve");
  await asking.hello;
  await row(owner.page, node).getByText("See which programs are installed").waitFor();
  await row(owner.page, node).getByText("connected", { exact: true }).waitFor();
  assert.equal(await nodeCards(owner.page).count(), 0);
  await asking.close();

  const other = await owner.context.newPage();
  await other.goto(`${gateway.origin}/devices`);
  node.commands = ["system.which", "system.run"];
  const more = node.connect(gateway.port);
  await more.hello;
  for (const page of [owner.page, other]) {
    await nodeCards(page).getByText("Run programs there").waitFor();
    await nodeCards(page).getByText("See which programs are installed").waitFor();
  }
  if (process.env.PICTURES) await owner.page.screenshot({ path: `${process.env.PICTURES}/node.png`, fullPage: true });
  await decide(nodeCards(owner.page), "approve");
  for (const page of [owner.page, other]) {
    await nodeCards(page).waitFor({ state: "detached" });
    await row(page, node).getByText("Run programs there, see which programs are installed").waitFor();
  }
  assert.deepEqual(owner.problems, []);
  await more.close();
});
