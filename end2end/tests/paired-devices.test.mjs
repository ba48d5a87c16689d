// Devices that are in: renamed, given new tokens, thrown out, and kept over a restart.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  cards,
  decide,
  isSameDocument,
  launchBrowser,
  markDocument,
  openApprovedPhone,
  openOwner,
  PHONE_NAME,
  untilState,
} from "../support/browser.mjs";
import { Gateway } from "../support/gateway.mjs";
import { startProxy, TRUSTING } from "../support/proxy.mjs";

/** What "at once" means for a phone that is thrown out, in milliseconds. */
const AT_ONCE_MS = 1_000;

let gateway, proxy, browser, owner, phone, row;

before(async () => {
  gateway = await Gateway.start({ config: TRUSTING });
  proxy = await startProxy(gateway);
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway, "/devices");
  phone = await openApprovedPhone(browser, proxy.origin, owner);
  const { paired } = await gateway.list();
  const { deviceId } = paired.find((device) => device.displayName === PHONE_NAME);
  row = owner.page.locator(`[data-testid="paired-device"][data-device-id="${deviceId}"]`);
});

after(async () => {
  await browser?.close();
  await proxy?.stop();
  await gateway?.stop();
});

/** Presses a button of the phone's row and confirms. Returns when that was. */
async function act(button) {
  await row.getByTestId(button).click();
  const confirm = owner.page.getByTestId("confirm");
  await confirm.waitFor();
  const at = Date.now();
  await confirm.click();
  return at;
}

test("a new name shows on the page and in the list", async () => {
  await row.getByTestId("rename").click();
  await row.getByTestId("rename-input").fill("Ada's phone");
  await row.getByRole("button", { name: "Save" }).click();
  await row.getByRole("heading", { name: "Ada's phone" }).waitFor();
  assert.match((await gateway.shell("openclaw devices list")).stdout, /Ada's phone/);
});

test("a device whose token was rotated comes back without asking anybody", async () => {
  await markDocument(phone.page);
  const thrownOut = untilState(phone.page, "away");
  await act("rotate");
  await thrownOut;
  await untilState(phone.page, "connected");
  assert(await isSameDocument(phone.page), "the page was reloaded");
  assert.deepEqual((await gateway.list()).pending, []);
});

test("a restart of the gateway keeps owner and phone paired, and both pages come back by themselves", async () => {
  await markDocument(owner.page);
  await markDocument(phone.page);
  await gateway.stop();
  await Promise.all([untilState(owner.page, "away"), untilState(phone.page, "away")]);
  await gateway.start();
  await Promise.all([untilState(owner.page, "connected"), untilState(phone.page, "connected")]);
  assert((await isSameDocument(owner.page)) && (await isSameDocument(phone.page)), "a page was reloaded");
});

test("a revoked phone is thrown out at once, stays listed, and has to ask again", async () => {
  const at = await act("revoke");
  await untilState(phone.page, "removed");
  assert(Date.now() - at <= AT_ONCE_MS, `it took ${Date.now() - at} ms`);
  await row.getByText("revoked", { exact: true }).waitFor();

  await phone.page.getByRole("button", { name: "Ask again" }).click();
  await untilState(phone.page, "waiting");
  await decide(cards(owner.page), "approve");
  await untilState(phone.page, "connected");
});

test("a removed phone is thrown out at once and is forgotten", async () => {
  const at = await act("remove");
  await untilState(phone.page, "removed");
  assert(Date.now() - at <= AT_ONCE_MS, `it took ${Date.now() - at} ms`);
  await row.waitFor({ state: "detached" });

  await phone.page.getByRole("button", { name: "Ask again" }).click();
  await untilState(phone.page, "waiting");
});
