// What the dialog "Pair a device" says when there is no code, less of it than wished for, or none any more.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { cards, launchBrowser, openOwner, openPhone, PHONE_NAME, untilState } from "../support/browser.mjs";
import { connectProgram, Device } from "../support/device.mjs";
import { Gateway } from "../support/gateway.mjs";
import { PageLine } from "../support/page-line.mjs";
import { PairDialog } from "../support/pair-dialog.mjs";
import { reachableAt, startProxy, TRUSTING } from "../support/proxy.mjs";

/** An address of this gateway in a network where others may listen. Nobody dials it here. */
const OVERHEARD = "ws://192.168.1.5:18789";

let gateway, proxy, browser, owner, dialog, visitor;
let passed = 0;

before(async () => {
  gateway = await Gateway.start({ config: TRUSTING, movableClock: true });
  proxy = await startProxy(gateway);
  browser = await launchBrowser();
});

beforeEach(async () => {
  await gateway.change(reachableAt(proxy.origin));
  owner = await openOwner(browser, gateway, "/devices");
  dialog = new PairDialog(owner.page);
});

afterEach(async () => {
  await visitor?.context.close();
  await owner.context.close();
});

after(async () => {
  await browser?.close();
  await proxy?.stop();
  await gateway?.stop();
});

/** Lets time pass at the gateway. */
const pass = (seconds) => gateway.moveClock((passed += seconds));

/** Opens a link on a phone that was never here, until the page is in a state. */
async function openLink(link, state) {
  visitor = await openPhone(browser);
  await visitor.page.goto(link);
  await untilState(visitor.page, state);
}

const paired = async (name) => (await gateway.list()).paired.filter(({ displayName }) => displayName === name);

test("a code counts down by the gateway's clock; expired, it is gone and lets nobody in, and a new one does", async () => {
  const line = await PageLine.take(owner.page);
  const link = await dialog.makeCode();
  pass(300);
  await line.renew();
  await dialog.box.getByRole("timer").getByText(/^(5:00|4:[45]\d) left$/).waitFor();
  assert.equal(await dialog.code(), link);

  pass(300);
  await line.renew();
  await dialog.says("This code has expired. Nobody used it.");
  await dialog.heading("The code has run out").waitFor();
  assert.equal(await dialog.box.getByTestId("qr").count(), 0);
  assert(!(await owner.page.content()).includes(link), "the code stays in the page");
  await openLink(link, "refused");
  await visitor.context.close();

  await dialog.box.getByTestId("new-code").click();
  const next = await dialog.code();
  assert.notEqual(next, link);
  await dialog.heading("Point its camera here").waitFor();
  await openLink(next, "connected");
  await dialog.heading(`${PHONE_NAME} is in`).waitFor();
  assert.deepEqual(owner.problems, []);
});

test("who came while the line was down is told when it is back, though the code is too old by then", async () => {
  const line = await PageLine.take(owner.page);
  const link = await dialog.makeCode("See and send");
  const { up } = await line.cut();
  await openLink(link, "connected");
  pass(601);
  assert.equal(await dialog.heading(`${PHONE_NAME} is in`).count(), 0);
  await up();
  await dialog.heading(`${PHONE_NAME} is in`).waitFor();
  await dialog.says("It may see and send, but not change settings.");
  assert.deepEqual(owner.problems, []);
});

test("a line lost while a code is being made is told, and the same choice works once it is back", async () => {
  const line = await PageLine.take(owner.page);
  const { happened } = line.withhold("device.pair.setupCode");
  await dialog.open();
  await dialog.ask("The OpenClaw app");
  await happened;
  const making = dialog.box.getByRole("button", { name: "Making a code…" });
  assert.equal(await making.getAttribute("aria-disabled"), "true");
  await making.click({ force: true });

  const { up } = await line.cut();
  await dialog.heading("No code was made").waitFor();
  assert.match(await dialog.box.getByTestId("pair-failed").innerText(), /^The gateway is restarting\./);
  assert.equal(line.asked.filter((method) => method === "device.pair.setupCode").length, 1);
  // Without a line the answer stays the same.
  await dialog.back();
  await dialog.ask();
  await dialog.heading("No code was made").waitFor();

  line.letPass();
  await up();
  await dialog.back();
  assert(await dialog.box.getByRole("radio", { name: "The OpenClaw app" }).isChecked(), "the choice is forgotten");
  await dialog.ask();
  await dialog.heading("Scan this in the app").waitFor();
  assert.doesNotMatch(await dialog.code(), /http/);
  assert.deepEqual(owner.problems, []);
});

test("a gateway that goes away takes the code off the screen, and it still works when both are back", async () => {
  const link = await dialog.makeCode("See and send");
  await gateway.stop();
  await owner.page.getByRole("heading", { name: "The gateway does not answer" }).waitFor();
  assert(!(await owner.page.content()).includes(link), "the code stays in the page");
  await gateway.start();
  // It came back with the true time.
  pass(0);
  await untilState(owner.page, "connected");
  assert(!(await dialog.box.isVisible()), "the dialog opened by itself");
  await openLink(link, "connected");
  await owner.page.getByRole("heading", { name: PHONE_NAME }).first().waitFor();
  await dialog.open();
  await dialog.heading("Pair a device").waitFor();
});

test("where others could listen the app gets limited rights, and the dialog says so before and after", async () => {
  await gateway.change(reachableAt(OVERHEARD));
  const { bootstrapToken, url } = readCode(await dialog.makeCode("The OpenClaw app"));
  assert.equal(url, OVERHEARD);
  await dialog.says("This code gives limited rights: the address is not encrypted, and others could listen.");
  await dialog.says(`at ${OVERHEARD}`);

  const greedy = app("Greedy app", ["operator.admin", "operator.read", "operator.write"]);
  await assert.rejects(greedy.connect(gateway.port, { bootstrapToken }).hello);
  const modest = app("Modest app", ["operator.read", "operator.write"]);
  const line = modest.connect(gateway.port, { bootstrapToken });
  await line.hello;
  await dialog.heading("Modest app is in").waitFor();
  await dialog.says("It may see and send, but not change settings.");
  const [{ scopes }] = await paired("Modest app");
  assert(scopes.includes("operator.write") && !scopes.includes("operator.admin"), scopes.join());
  await line.close();

  // Who wished for no more is told of no less.
  await dialog.box.getByRole("button", { name: "Pair another" }).click();
  await dialog.ask("See and send");
  await dialog.code();
  assert.equal(await dialog.box.getByText("limited rights").count(), 0);
  assert.deepEqual(owner.problems, []);
});

test("where a phone's browser gets no key the dialog says what it takes, and a machine gets the code itself", async () => {
  await gateway.change(reachableAt(OVERHEARD));
  await dialog.open();
  await dialog.ask();
  await dialog.heading("This needs an https address").waitFor();
  for (const words of [OVERHEARD, "tailscale serve", "plugins.entries.device-pair.config.publicUrl"]) {
    await dialog.says(words);
  }
  assert.equal(await dialog.box.getByTestId("qr").count(), 0);
  assert.equal(await dialog.box.getByTestId("copy").count(), 0);

  await dialog.back();
  await dialog.ask("A machine that runs commands");
  const command = await dialog.code();
  assert.match(command, /^openclaw connect \S+$/);
  assert.equal(readCode(command.split(" ")[2]).url, OVERHEARD);
  assert.equal(await dialog.box.getByText("limited rights").count(), 0);
  await dialog.close();

  // Whoever does what it says gets a link without loading the page anew.
  await gateway.change(reachableAt(proxy.origin));
  assert((await dialog.makeCode()).startsWith(`${proxy.origin}/#`));
});

test("a screen that shows no code does not expire", async () => {
  await gateway.change(reachableAt(OVERHEARD));
  const line = await PageLine.take(owner.page);
  await dialog.open();
  await dialog.ask();
  await dialog.heading("This needs an https address").waitFor();
  pass(601);
  await line.renew();
  await owner.page.getByTestId("paired-device").first().waitFor();
  await dialog.heading("This needs an https address").waitFor();
  assert.equal(await dialog.box.getByText("expired").count(), 0);
});

test("a gateway without an address of its own says which setting to write, and with it there is a code", async () => {
  await gateway.change(reachableAt(null));
  await dialog.open();
  await dialog.ask();
  await dialog.heading("No code was made").waitFor();
  const told = await dialog.box.getByTestId("pair-failed").innerText();
  assert.match(told, /^The gateway knows no address/);
  assert.match(told, /plugins\.entries\.device-pair\.config\.publicUrl/);
  await dialog.says("Gateway is only bound to loopback.");
  assert(await dialog.box.evaluate((box) => box.contains(document.activeElement)), "the keyboard is elsewhere");

  await gateway.change(reachableAt(proxy.origin));
  await dialog.back();
  await dialog.ask();
  assert((await dialog.code()).startsWith(`${proxy.origin}/#`));
});

test("who asks for too many codes is told to wait, and has one a minute later", async (t) => {
  t.after(() => pass(61));
  const program = connectProgram(gateway.port, gateway.token);
  await program.hello;
  const exhaust = async () => {
    for (;;) await program.call("device.pair.setupCode", { includeQr: false });
  };
  await assert.rejects(exhaust, { message: /too many setup codes/ });
  await dialog.open();
  await dialog.ask();
  await dialog.heading("No code was made").waitFor();
  const told = await dialog.box.getByTestId("pair-failed").innerText();
  assert.equal(told, "Too many one-time codes were asked for within a minute. Wait a minute and try again.");

  pass(61);
  await dialog.back();
  await dialog.ask();
  await dialog.code();
  await program.close();
});

test("the dialog tells of a request that waits behind it", async () => {
  await dialog.makeCode();
  const device = new Device("Kitchen tablet").connect(gateway.port);
  const { requestId } = await device.pending;
  await dialog.says("A device waits for your decision. Close this to see it.");
  await dialog.close();
  await cards(owner.page).getByText("Kitchen tablet").first().waitFor();
  await gateway.shell(`openclaw devices reject ${requestId}`);
  await cards(owner.page).waitFor({ state: "detached" });
  await device.closed;
});

test("who cannot come in by the address is said before a code is made, with what to change", async () => {
  const concerns = () => dialog.box.getByTestId("concern").evaluateAll((all) => all.map((one) => one.dataset.shutsOut));
  const opened = async (url) => {
    await gateway.change(reachableAt(url));
    await dialog.open();
    await dialog.box.getByTestId("concern").first().waitFor();
  };
  await opened("ws://127.0.0.1:18789");
  assert.deepEqual(await concerns(), ["everyone"]);
  const told = dialog.box.getByTestId("concern");
  assert.match(await told.innerText(), /leads every device to itself[^]*plugins\.entries\.device-pair\.config\.publicUrl/);
  assert.equal(await told.getAttribute("class"), "note");
  await dialog.close();

  await opened(OVERHEARD);
  assert.deepEqual(await concerns(), ["everyone", "browsers", "elsewhere"]);
  await dialog.says("A phone's browser gets no key of its own there");
  const grave = dialog.box.locator('[data-testid="concern"].note');
  assert.equal(await grave.count(), 2);
  await dialog.box.getByText("The OpenClaw app", { exact: true }).click();
  assert.equal(await grave.count(), 1);
  await dialog.close();

  await opened(proxy.origin);
  assert.deepEqual(await concerns(), ["elsewhere"]);
  assert.equal(await grave.count(), 0);
  if (process.env.PICTURES) await owner.page.screenshot({ path: `${process.env.PICTURES}/pair-outlook.png` });
  assert.deepEqual(owner.problems, []);
});

/** The app of the reference, which a setup code lets in without a person. */
function app(name, scopes) {
  const device = new Device(name, { scopes });
  Object.assign(device.client, { platform: "Android 16", deviceFamily: "Android" });
  return device;
}

/** What a setup code holds. */
const readCode = (code) => JSON.parse(Buffer.from(code, "base64url"));
