// The other decisions about nodes: an offer turned down, a node thrown out, and what is left of it everywhere.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { cards, decide, launchBrowser, openOwner } from "../support/browser.mjs";
import { connectProgram, Line } from "../support/device.mjs";
import { Gateway } from "../support/gateway.mjs";
import { Node } from "../support/node.mjs";

const WHICH = "See which programs are installed";
const RUN = "Run programs there";

let gateway, browser, owner, other, program;

before(async () => {
  gateway = await Gateway.start();
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway, "/devices");
  other = await owner.context.newPage();
  await other.goto(`${gateway.origin}/devices`);
  program = connectProgram(gateway.port, gateway.token);
  await program.hello;
});

afterEach(async () => {
  assert.deepEqual(owner.problems, []);
});

after(async () => {
  await program?.close();
  await browser?.close();
  await gateway?.stop();
});

const pages = () => [owner.page, other];
const nodeCards = (page) => page.getByTestId("node-card");
const row = (page, device) => page.locator(`[data-testid="paired-device"][data-device-id="${device.id}"]`);

/** A node in all its commands, approved on the page, and its line. */
async function openNode(name, commands = ["system.which"]) {
  const node = new Node(name, commands);
  const line = node.connect(gateway.port);
  await line.pending;
  await decide(cards(owner.page), "approve");
  await line.hello;
  for (const page of pages()) await row(page, node).getByText(WHICH).waitFor();
  return { node, line };
}

/** The same node comes back and offers more. */
async function offerMore(node, ...commands) {
  node.commands = [...node.commands, ...commands];
  const line = node.connect(gateway.port);
  await line.hello;
  for (const page of pages()) await nodeCards(page).waitFor();
  return line;
}

/** Presses a button of a row and confirms what is asked. */
async function act(page, node, button, question) {
  await row(page, node).getByTestId(button).click();
  await page.getByRole("heading", { name: question }).waitFor();
  await page.getByTestId("confirm").click();
}

/** Asks a node to do something: its answer, or the gateway's refusal. */
const invoke = (node, command) =>
  program.call("node.invoke", { nodeId: node.id, command, params: {}, idempotencyKey: `${node.id} ${command}` });

test("an offer turned down on one page is gone on all, and the node keeps what it had", async () => {
  const { node, line } = await openNode("Build machine");
  await line.close();
  const more = await offerMore(node, "system.run");
  for (const page of pages()) await nodeCards(page).getByText(RUN).waitFor();
  const [offer] = (await gateway.nodes()).pending;
  assert.equal(offer.nodeId, node.id);

  await decide(nodeCards(other), "reject");
  for (const page of pages()) {
    await nodeCards(page).waitFor({ state: "detached" });
    assert.equal(await row(page, node).getByText(RUN).count(), 0);
    await row(page, node).getByText(WHICH).waitFor();
  }
  const { pending, paired } = await gateway.nodes();
  assert.deepEqual(pending, []);
  assert.deepEqual(paired.find(({ nodeId }) => nodeId === node.id).commands, ["system.which"]);
  await invoke(node, "system.which");
  await assert.rejects(invoke(node, "system.run"), { message: /node command not allowed/ });

  // It may offer it again, under another id.
  await more.close();
  const again = node.connect(gateway.port);
  await again.hello;
  for (const page of pages()) await nodeCards(page).getByText(RUN).waitFor();
  const [secondOffer] = (await gateway.nodes()).pending;
  assert.notEqual(secondOffer.requestId, offer.requestId);
  await decide(nodeCards(owner.page), "reject");
  for (const page of pages()) await nodeCards(page).waitFor({ state: "detached" });
  await again.close();
});

test("a new node turned down is nowhere, and is told", async () => {
  const node = new Node("Stray machine");
  const line = node.connect(gateway.port);
  await line.pending;
  for (const page of pages()) await cards(page).getByText("Stray machine").first().waitFor();
  await decide(cards(other), "reject");
  await assert.rejects(line.hello, { message: /reject/ });
  for (const page of pages()) {
    await cards(page).waitFor({ state: "detached" });
    assert.equal(await row(page, node).count(), 0);
  }
  const known = [...(await gateway.list()).paired, ...(await gateway.list()).pending];
  assert(!known.some(({ deviceId }) => deviceId === node.id), "it is still known");
  assert(!(await gateway.nodes()).paired.some(({ nodeId }) => nodeId === node.id), "it is a node");
});

test("a node removed on one page is cut off and gone on all, its waiting offer with it", async () => {
  const { node, line } = await openNode("Old machine");
  await line.close();
  const more = await offerMore(node, "system.run");
  await row(owner.page, node).getByTestId("remove").click();
  await owner.page.getByRole("button", { name: "Cancel" }).click();
  await owner.page.getByTestId("confirm").waitFor({ state: "hidden" });
  assert((await gateway.nodes()).paired.some(({ nodeId }) => nodeId === node.id), "Cancel removed it");

  await act(owner.page, node, "remove", "Remove Old machine?");
  assert.match(await more.closed, /^4001 device removed/);
  for (const page of pages()) {
    await row(page, node).waitFor({ state: "detached" });
    await nodeCards(page).waitFor({ state: "detached" });
  }
  const { pending, paired } = await gateway.nodes();
  assert.deepEqual(pending, []);
  assert(!paired.some(({ nodeId }) => nodeId === node.id), "it is still a node");
  assert(!(await gateway.list()).paired.some(({ deviceId }) => deviceId === node.id), "it is still a device");
  await assert.rejects(invoke(node, "system.which"), { message: /node pairing changed/ });

  // It has to ask like a new one, for all of it.
  const asking = node.connect(gateway.port);
  await asking.pending;
  for (const page of pages()) await cards(page).getByText(RUN).waitFor();
  await decide(cards(owner.page), "reject");
  await asking.closed;
});

test("a device that is more than a node loses its commands and stays", async () => {
  const { node, line } = await openNode("Laptop");
  const operator = new Line(gateway.port, (challenge) =>
    node.introduce(challenge, undefined, { role: "operator", scopes: ["operator.read"] }),
  );
  await operator.pending;
  await decide(cards(owner.page), "approve");
  await operator.hello;
  for (const page of pages()) await row(page, node).getByText("see; See which programs are installed").waitFor();

  await act(other, node, "unoffer", "End the commands of Laptop?");
  assert.match(await line.closed, /^4001/);
  for (const page of pages()) {
    await row(page, node).getByText("node", { exact: true }).waitFor({ state: "detached" });
    assert.equal(await row(page, node).getByText(WHICH).count(), 0);
    assert.equal(await row(page, node).getByTestId("unoffer").count(), 0);
  }
  assert(!(await gateway.nodes()).paired.some(({ nodeId }) => nodeId === node.id), "it is still a node");
  const { roles } = (await gateway.list()).paired.find(({ deviceId }) => deviceId === node.id);
  assert.deepEqual(roles, ["operator"]);
  await operator.call("health");
  await operator.close();
});

test("an offer decided on the command line is gone on the pages too", async () => {
  const { node, line } = await openNode("Cellar machine");
  await line.close();
  const more = await offerMore(node, "system.run");
  const [{ requestId }] = (await gateway.nodes()).pending;
  const { code, stderr } = await gateway.shell(`openclaw nodes reject ${requestId}`);
  assert.equal(code, 0, stderr);
  for (const page of pages()) await nodeCards(page).waitFor({ state: "detached" });
  const removed = await gateway.shell(`openclaw nodes remove ${node.id}`);
  assert.equal(removed.code, 0, removed.stderr);
  for (const page of pages()) await row(page, node).waitFor({ state: "detached" });
  await more.closed;
});
