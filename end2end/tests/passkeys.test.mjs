// Passkeys: added and removed in Settings, asked for in the middle of a click, and what is said where there can be none.
// The authenticator is Chromium's own virtual one.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import { cards, decide, launchBrowser, openDesktop, openWaitingPhone, untilState } from "../support/browser.mjs";
import { Gateway } from "../support/gateway.mjs";
import { PUBLIC_ADDRESS, startProxy } from "../support/proxy.mjs";

const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

let gateway, internet, browser, owner, page, authenticator;

before(async () => {
  gateway = await Gateway.start({ config: { gateway: { trustedProxies: ["127.0.0.1"], pairing: { knock: "any" } } } });
  internet = await startProxy(gateway, PUBLIC_ADDRESS);
  browser = await launchBrowser();
  // A name, because addresses in numbers have no passkeys.
  const link = (await gateway.newLink()).replace("127.0.0.1", "localhost");
  owner = await openDesktop(browser);
  page = owner.page;
  authenticator = await Authenticator.plugIn(owner);
  await page.goto(link);
  await untilState(page, "connected");
});

afterEach(async () => {
  await gateway.rejectAll();
  await authenticator.verifies(true);
});

after(async () => {
  await browser?.close();
  await internet?.stop();
  await gateway?.stop();
});

class Authenticator {
  static async plugIn({ context, page }) {
    const session = await context.newCDPSession(page);
    await session.send("WebAuthn.enable", { enableUI: false });
    const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return Object.assign(new Authenticator(), { session, authenticatorId });
  }

  /** Whether the person's finger fits from now on. */
  verifies(isUserVerified) {
    return this.session.send("WebAuthn.setUserVerified", { authenticatorId: this.authenticatorId, isUserVerified });
  }

  async count() {
    const { credentials } = await this.session.send("WebAuthn.getCredentials", { authenticatorId: this.authenticatorId });
    return credentials.length;
  }
}

const shell = async (line) => JSON.parse((await gateway.shell(line)).stdout);
const section = (within = page) => within.getByTestId("passkeys");

async function open(path, within = page) {
  await within.goto(new URL(path, within.url()).href);
  await untilState(within, "connected");
}

/** Whoever comes from the internet wants every right. */
const openStranger = () => openWaitingPhone(browser, internet.origin);

test("without a passkey an admin from the internet gets in, and the page advises one", async () => {
  const stranger = await openStranger();
  await open("/devices");
  await decide(cards(page), "approve");
  await untilState(stranger.page, "connected");
  await page.getByTestId("passkey-advice").click();
  await section().getByText("None yet.").waitFor();
  await stranger.context.close();
});

test("a passkey is added in Settings, and listed with where it works", async () => {
  await open("/settings");
  await section().getByText("None yet.").waitFor();
  await section().getByTestId("passkey-name").fill("Laptop");
  await section().getByTestId("add-passkey").click();
  const row = section().getByTestId("passkey");
  await row.getByText("Laptop").waitFor();
  assert.match(await row.innerText(), /localhost · added .* · never used/);
  assert.equal(await authenticator.count(), 1);
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => (await window.axe.run("[data-testid=passkeys]")).violations);
  assert.deepEqual(violations.map(({ id }) => id), []);
  assert.deepEqual(owner.problems, []);
});

test("an admin from the internet is approved by one click, in which the passkey is shown", async () => {
  const stranger = await openStranger();
  await open("/devices");
  await decide(cards(page), "approve");
  await untilState(stranger.page, "connected");
  const [used] = await shell("openclaw audit --action passkey-used --json");
  assert.match(used.note, /^Laptop \(localhost\) for approve /);
  await stranger.context.close();
});

test("a finger that does not fit approves nothing, and the card says what to do", async () => {
  const stranger = await openStranger();
  await open("/");
  await authenticator.verifies(false);
  await decide(cards(page), "approve");
  await cards(page).getByText("No passkey was shown, so nothing was done.").waitFor();
  assert.equal((await gateway.list()).pending.length, 1);
  await authenticator.verifies(true);
  await decide(cards(page), "approve");
  await untilState(stranger.page, "connected");
  await stranger.context.close();
});

test("the secret is shown after the passkey, and not without", async () => {
  await open("/settings");
  await page.getByTestId("show-secret").click();
  await authenticator.verifies(false);
  await page.getByTestId("reveal").click();
  await page.getByText("No passkey was shown").waitFor();
  assert.equal(await page.getByTestId("secret").count(), 0);
  await authenticator.verifies(true);
  await page.getByTestId("reveal").click();
  assert.ok((await page.getByTestId("secret").innerText()).includes(gateway.token));
  await page.getByTestId("hide-secret").click();
});

test("what takes a passkey cannot be switched off without one", async () => {
  const policy = page.getByTestId("step-up");
  await policy.getByText("Never", { exact: true }).click();
  await authenticator.verifies(false);
  await policy.getByTestId("save").click();
  await policy.getByText("No passkey was shown").waitFor();
  assert.ok(!readFileSync(gateway.configFile, "utf8").includes("stepUp"));
  await policy.getByTestId("give-up").click();
});

test("a page at an address in numbers says that it can have none, and where yours works", async () => {
  const other = await openDesktop(browser);
  await other.page.goto(await gateway.newLink());
  await untilState(other.page, "connected");
  await open("/settings", other.page);
  const obstacle = section(other.page).getByTestId("passkey-obstacle");
  assert.match(await obstacle.innerText(), /cannot have passkeys: they need HTTPS and a host name/);
  assert.equal(await section(other.page).getByTestId("add-passkey").count(), 0);
  await other.page.getByTestId("show-secret").click();
  await other.page.getByTestId("reveal").click();
  await other.page.getByText("yours are for another address of this page").waitFor();
  await other.context.close();
});

test("without WebAssembly such a device is not let in, and the page says why", async () => {
  const stranger = await openStranger();
  const plain = await openDesktop(browser, { javaScriptEnabled: false });
  const link = await gateway.newLink();
  await plain.page.goto(`${gateway.origin}/plain`);
  await plain.page.locator("input[name=code]").fill(link);
  await plain.page.getByRole("button").first().click();
  await plain.page.getByRole("button", { name: "Approve" }).first().click();
  await plain.page.getByText("This takes one of the owner's passkeys.").waitFor();
  assert.equal((await gateway.list()).pending.length, 1);
  await plain.context.close();
  // The command line on this machine is the way that is always open.
  const [{ requestId }] = (await gateway.list()).pending;
  await gateway.shell(`openclaw devices approve ${requestId}`);
  await untilState(stranger.page, "connected");
  await stranger.context.close();
});

test("a passkey is removed with itself, or on the gateway's machine when it is lost", async () => {
  await open("/settings");
  await section().getByTestId("remove-passkey").click();
  await section().getByTestId("remove-passkey-now").click();
  await section().getByText("None yet.").waitFor();
  await section().getByTestId("passkey-name").fill("Again");
  await section().getByTestId("add-passkey").click();
  await section().getByTestId("passkey").getByText("Again").waitFor();
  await gateway.shell("openclaw passkeys remove Again");
  await page.reload();
  await section().getByText("None yet.").waitFor();
});
