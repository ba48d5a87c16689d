// The other ways a request can end: no, not now, too late, and not what was shown.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import {
  cards,
  decide,
  launchBrowser,
  openDesktop,
  openOwner,
  openWaitingPhone,
  untilState,
} from "../support/browser.mjs";
import { Device } from "../support/device.mjs";
import { Gateway } from "../support/gateway.mjs";
import { startProxy, TRUSTING } from "../support/proxy.mjs";

let gateway, proxy, browser, owner, phone;

before(async () => {
  gateway = await Gateway.start({ config: TRUSTING, movableClock: true });
  proxy = await startProxy(gateway);
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway, "/devices");
});

afterEach(async () => {
  await phone?.context.close();
  await gateway.rejectAll();
  await cards(owner.page).waitFor({ state: "detached" });
});

after(async () => {
  await browser?.close();
  await proxy?.stop();
  await gateway?.stop();
});

test("a rejected phone says so and can ask again", async () => {
  phone = await openWaitingPhone(browser, proxy.origin);
  await decide(cards(owner.page), "reject");
  await untilState(phone.page, "refused");
  await phone.page.getByText("The owner said no to this device.").waitFor();
  await cards(owner.page).waitFor({ state: "detached" });

  await phone.page.getByRole("button", { name: "Try again" }).click();
  await untilState(phone.page, "waiting");
  await cards(owner.page).waitFor();
});

test("a request that nobody decides within five minutes expires, on both pages", async () => {
  phone = await openWaitingPhone(browser, proxy.origin);
  await cards(owner.page).waitFor();
  gateway.moveClock(301);
  await untilState(phone.page, "refused");
  await phone.page.getByText("Nobody decided within five minutes.").waitFor();
  await cards(owner.page).waitFor({ state: "detached" });
});

test("Not now hides a card on this page only, and it can be shown again", async () => {
  phone = await openWaitingPhone(browser, proxy.origin);
  const elsewhere = await owner.context.newPage();
  await elsewhere.goto(gateway.origin);
  await cards(elsewhere).waitFor();

  await decide(cards(owner.page), "not-now");
  await cards(owner.page).waitFor({ state: "detached" });
  await untilState(phone.page, "waiting");
  assert.equal((await gateway.list()).pending.length, 1);
  assert.equal(await cards(elsewhere).count(), 1);

  await owner.page.getByTestId("show-hidden").click();
  await cards(owner.page).waitFor();
  await elsewhere.close();
});

test("a request that changed since it was shown is not approved by a click on the old card", async () => {
  const blind = await openDesktop(browser);
  const sight = await missChanges(blind.page);
  await blind.page.goto(await gateway.newLink());
  await untilState(blind.page, "connected");
  const device = new Device("Kitchen tablet");
  const asked = device.connect(gateway.port);
  await asked.pending;
  await cards(blind.page).getByText("Kitchen tablet").waitFor();

  sight.isBlind = true;
  device.name = "Owner's laptop";
  const askedAgain = device.connect(gateway.port);
  await askedAgain.pending;
  assert(await cards(blind.page).getByText("Kitchen tablet").isVisible(), "the page heard of the change");
  await decide(cards(blind.page), "approve");

  await cards(blind.page).getByText("The request changed; look again.").waitFor();
  await cards(blind.page).getByText("Owner's laptop").waitFor();
  const { pending, paired } = await gateway.list();
  assert.equal(pending.length, 1);
  assert(!paired.some(({ deviceId }) => deviceId === device.id), "it was approved");
  await Promise.all([asked.close(), askedAgain.close(), blind.context.close()]);
});

/** Keeps the gateway's word that a request changed from a page, as a slow network would: the event, and while the page
 * is blind the lists, until it is told no. */
async function missChanges(page) {
  const sight = { isBlind: false };
  await page.routeWebSocket("**", (socket) => {
    const gateway = socket.connectToServer();
    gateway.onMessage((message) => {
      const { event, error, payload } = JSON.parse(message);
      if (error) sight.isBlind = false;
      const isKept = event === "device.pair.changed" || (sight.isBlind && payload?.pending);
      if (!isKept) socket.send(message);
    });
  });
  return sight;
}
