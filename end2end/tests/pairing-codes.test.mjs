// A one-time code made on the owner's page lets a phone's browser in, once, and for no more than was chosen.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { launchBrowser, openOwner, openPhone, PHONE_NAME, untilState } from "../support/browser.mjs";
import { Gateway } from "../support/gateway.mjs";
import { startProxy, TRUSTING } from "../support/proxy.mjs";

const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

let gateway, proxy, browser, owner;

/** Settings under which codes carry `url`. */
const reachableAt = (url) => ({
  ...TRUSTING,
  plugins: { entries: { "device-pair": { config: { publicUrl: url } } } },
});

before(async () => {
  gateway = await Gateway.start({ config: TRUSTING, movableClock: true });
  proxy = await startProxy(gateway);
  await gateway.stop();
  gateway.configure(reachableAt(proxy.origin));
  await gateway.start();
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway, "/devices");
});

after(async () => {
  await browser?.close();
  await proxy?.stop();
  await gateway?.stop();
});

const dialog = () => owner.page.getByTestId("pair-dialog");

/** Opens the dialog, picks, and returns the text it hands over. */
async function makeCode(...picks) {
  await owner.page.getByTestId("pair-device").click();
  for (const pick of picks) await dialog().getByText(pick, { exact: true }).click();
  await dialog().getByTestId("make-code").click();
  await dialog().getByTestId("copy").waitFor();
  return dialog().locator(".copy code").innerText();
}

const close = () => dialog().getByTestId("pair-close").click();

async function grave() {
  await owner.page.evaluate(axe);
  return owner.page.evaluate(async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
  });
}

test("the phone's camera opens the link, the phone is in, and the dialog says who came", async () => {
  const link = await makeCode("See and send");
  const phone = await openPhone(browser);
  await phone.page.goto(link);
  await untilState(phone.page, "connected");
  assert(!phone.page.url().includes("#"), "the code stays in the address bar");
  await dialog().getByRole("heading", { name: `${PHONE_NAME} is in` }).waitFor();
  assert(!(await owner.page.content()).includes(link), "the code stays in the page");
  const { scopes } = (await gateway.list()).paired.find(({ displayName }) => displayName === PHONE_NAME);
  assert(!scopes.includes("operator.admin") && scopes.includes("operator.write"), scopes.join());
  await dialog().getByTestId("pair-done").click();

  // Coming back it asks for the same, so nobody is bothered.
  await phone.page.reload();
  await untilState(phone.page, "connected");
  assert.deepEqual((await gateway.list()).pending, []);

  // A wider link does not change what a device that is in already may do.
  const wider = await makeCode();
  await close();
  await phone.page.goto("about:blank");
  await phone.page.goto(wider);
  await phone.page.getByText("the link was not used").waitFor();
  const after = (await gateway.list()).paired.find(({ displayName }) => displayName === PHONE_NAME);
  assert.deepEqual(after.scopes, scopes);
  assert.deepEqual(phone.problems, []);
  await phone.context.close();

  // The link that served serves nobody else.
  const second = await openPhone(browser);
  await second.page.goto(link);
  await untilState(second.page, "refused");
  await second.page.getByText("Ask whoever gave it to you").waitFor();
  await second.context.close();
});

test("the dialog fits, is accessible, takes the keyboard in and gives it back, and forgets its code", async () => {
  const link = await makeCode();
  const { page } = owner;
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      const isCut = await dialog().evaluate(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth);
      assert(!isCut, `the dialog is cut off at ${width} px`);
      assert.deepEqual(await grave(), [], `${colorScheme}, ${width} px`);
      if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/code-${colorScheme}-${width}.png` });
    }
  }
  assert(await dialog().evaluate((dialog) => dialog.contains(document.activeElement)), "the keyboard is elsewhere");
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.dataset.testid), "pair-device");
  assert(!(await page.content()).includes(link), "the code stays in the page");
  assert.deepEqual(owner.problems, []);
});

test("a machine gets a command with a join link, and the app gets the code as a picture", async () => {
  assert.match(await makeCode("A machine that runs commands"), /^openclaw connect https:\S+\/j\/\S{22}$/);
  assert.equal(await dialog().getByTestId("qr").count(), 0);
  await close();
  assert.doesNotMatch(await makeCode("The OpenClaw app"), /http|#/);
  await dialog().getByTestId("qr").waitFor();
  await close();
});

test("an expired code makes room for a new one", async () => {
  const first = await makeCode("The OpenClaw app");
  await owner.page.clock.install();
  gateway.moveClock(700);
  await owner.page.clock.fastForward(700_000);
  await dialog().getByText("This code has expired").waitFor();
  assert(!(await owner.page.content()).includes(first), "the code stays in the page");
  await close();
});

test("without a reachable address it says what to set", async () => {
  const alone = await Gateway.start({});
  const profile = await openOwner(browser, alone, "/devices");
  await profile.page.getByTestId("pair-device").click();
  await profile.page.getByTestId("make-code").click();
  const told = await profile.page.getByTestId("pair-failed").innerText();
  assert.match(told, /plugins\.entries\.device-pair\.config\.publicUrl/);
  await profile.context.close();
  await alone.stop();
});
