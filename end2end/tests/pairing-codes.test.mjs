// A one-time code made on the owner's page lets a phone's browser in, once, and for no more than was chosen.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { launchBrowser, openOwner, openPhone, PHONE_NAME, untilState } from "../support/browser.mjs";
import { Gateway } from "../support/gateway.mjs";
import { PairDialog } from "../support/pair-dialog.mjs";
import { reachableAt, startProxy, TRUSTING } from "../support/proxy.mjs";

const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

let gateway, proxy, browser, owner, dialog;

before(async () => {
  gateway = await Gateway.start({ config: TRUSTING });
  proxy = await startProxy(gateway);
  await gateway.change(reachableAt(proxy.origin));
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway, "/devices");
  dialog = new PairDialog(owner.page);
});

after(async () => {
  await browser?.close();
  await proxy?.stop();
  await gateway?.stop();
});

async function grave() {
  await owner.page.evaluate(axe);
  return owner.page.evaluate(async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
  });
}

test("the phone's camera opens the link, the phone is in, and the dialog says who came", async () => {
  const link = await dialog.makeCode("See and send");
  const phone = await openPhone(browser);
  await phone.page.goto(link);
  await untilState(phone.page, "connected");
  assert(!phone.page.url().includes("#"), "the code stays in the address bar");
  await dialog.heading(`${PHONE_NAME} is in`).waitFor();
  assert(!(await owner.page.content()).includes(link), "the code stays in the page");
  const { scopes } = (await gateway.list()).paired.find(({ displayName }) => displayName === PHONE_NAME);
  assert(!scopes.includes("operator.admin") && scopes.includes("operator.write"), scopes.join());
  await dialog.box.getByTestId("pair-done").click();

  // Coming back it asks for the same, so nobody is bothered.
  await phone.page.reload();
  await untilState(phone.page, "connected");
  assert.deepEqual((await gateway.list()).pending, []);

  // A wider link does not change what a device that is in already may do.
  const wider = await dialog.makeCode();
  await dialog.close();
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
  const link = await dialog.makeCode();
  const { page } = owner;
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      const isCut = await dialog.box.evaluate(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth);
      assert(!isCut, `the dialog is cut off at ${width} px`);
      assert.deepEqual(await grave(), [], `${colorScheme}, ${width} px`);
      if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/code-${colorScheme}-${width}.png` });
    }
  }
  assert(await dialog.box.evaluate((box) => box.contains(document.activeElement)), "the keyboard is elsewhere");
  await page.keyboard.press("Escape");
  await dialog.box.waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.dataset.testid), "pair-device");
  assert(!(await page.content()).includes(link), "the code stays in the page");
  assert.deepEqual(owner.problems, []);
});

test("a machine gets a command with a join link, and the app gets the code as a picture", async () => {
  assert.match(await dialog.makeCode("A machine that runs commands"), /^openclaw connect https:\S+\/j\/\S{22}$/);
  assert.equal(await dialog.box.getByTestId("qr").count(), 0);
  await dialog.close();
  assert.doesNotMatch(await dialog.makeCode("The OpenClaw app"), /http|#/);
  await dialog.box.getByTestId("qr").waitFor();
  await dialog.close();
});
