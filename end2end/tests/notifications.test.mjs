// A request is never unseen: the icon of the tab, a sound, and pushes that lead to the very card.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cards, decide, launchBrowser, openOwner, untilState } from "../support/browser.mjs";
import { Device } from "../support/device.mjs";
import { Gateway } from "../support/gateway.mjs";
import { until } from "../support/processes.mjs";
import { deliver, PushService, subscribeAt } from "../support/push-service.mjs";

const SETTINGS = "/settings#notifications";

let gateway, service, browser;

before(async () => {
  service = await PushService.start();
  gateway = new Gateway(true);
  gateway.configure({ gateway: { notify: { allowPrivate: true } } });
  // What this machine trusts, as far as the gateway is concerned.
  gateway.env.SSL_CERT_FILE = service.certificate;
  await gateway.start();
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  service?.stop();
  await gateway?.stop();
});

/** Lets a minute pass for the gateway, which tells of six new requests in one. */
let minutes = 0;
const passAMinute = () => gateway.moveClock(61 * ++minutes);

/** An owner's page that may notify and shows the settings. Each is a device of its own. */
async function openSettings(name) {
  const profile = await openOwner(browser, gateway);
  await profile.context.grantPermissions(["notifications"], { origin: gateway.origin });
  await subscribeAt(profile.context, service, name);
  await profile.page.goto(gateway.origin + SETTINGS);
  await untilState(profile.page, "connected");
  return profile;
}

async function switchOn(page) {
  await page.getByTestId("push-switch").click();
  await page.getByTestId("push-state").getByText("on", { exact: true }).waitFor();
}

const worker = (context) => until("the service worker runs", () => context.serviceWorkers()[0]);

/** What the system shows of this page's notifications. */
const shown = (page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const notifications = await registration.getNotifications();
    return notifications.map(({ title, body, tag, data }) => ({ title, body, tag, requestId: data?.requestId }));
  });

/** Clicks a notification in the worker, as far as a test can: an event that no person made may not wait for itself, nor
 * open windows or bring them to the front, so what it asks for is noted. */
const click = (worker, requestId) =>
  worker.evaluate(async (requestId) => {
    const shown = await self.registration.getNotifications();
    const notification = shown.find((notification) => notification.data?.requestId === requestId);
    self.opened = [];
    self.clients.openWindow = async (path) => void self.opened.push(path);
    self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
  }, requestId);

const icon = (page) => page.locator("link[rel=icon]").getAttribute("href");

test("the tab's icon has a dot and its title a number while somebody waits", async () => {
  const { page, context } = await openOwner(browser, gateway);
  assert.equal(await icon(page), "/favicon.svg");
  const device = new Device("Icon phone").connect(gateway.port);
  const { requestId } = await device.pending;
  await cards(page).first().waitFor();
  assert.equal(await icon(page), "/favicon-dot.svg");
  assert.match(await page.title(), /^\(1\) Overview/);
  const drawn = await page.evaluate(async () => (await fetch("/favicon-dot.svg")).headers.get("content-type"));
  assert.equal(drawn, "image/svg+xml");
  await gateway.shell(`openclaw devices reject ${requestId}`);
  await until("the dot is gone", async () => (await icon(page)) === "/favicon.svg");
  await device.close();
  await context.close();
});

test("a sound only where it was wanted", async () => {
  const { page, context } = await openOwner(browser, gateway);
  await context.addInitScript(() => {
    window.rung = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) {
      window.rung += 1;
      return start.apply(this, when);
    };
  });
  await page.goto(gateway.origin + SETTINGS);
  const rung = () => page.evaluate(() => window.rung);
  const knock = async (name) => {
    const device = new Device(name).connect(gateway.port);
    await device.pending;
    await cards(page).filter({ hasText: name }).waitFor();
    await device.close();
  };
  await page.getByTestId("sound").waitFor();
  await knock("Silent phone");
  assert.equal(await rung(), 0);
  await page.getByTestId("sound").check();
  await until("it is heard once", async () => (await rung()) === 2);
  await knock("Loud phone");
  await until("it rings", async () => (await rung()) === 4);
  await page.reload();
  await page.getByTestId("sound").waitFor();
  assert(await page.getByTestId("sound").isChecked(), "this browser forgot");
  assert.equal(await rung(), 0, "a reload rings");
  await page.getByTestId("sound").uncheck();
  await knock("Third phone");
  assert.equal(await rung(), 0);
  await gateway.rejectAll();
  await context.close();
});

test("notifications are switched on, tested and switched off in the page", async () => {
  const { page, context, problems } = await openSettings("switch");
  await page.getByTestId("push-state").getByText("off", { exact: true }).waitFor();
  await switchOn(page);
  await page.getByTestId("push-test").click();
  await page.getByTestId("push-result").getByText("localhost took the test").waitFor();
  const { headers, push } = await service.next("switch");
  assert.deepEqual([push, headers.urgency], [{ kind: "test" }, "high"]);
  await deliver(page, push);
  await until("the test is shown", async () => (await shown(page))[0]?.title === "Notifications work");

  service.status = 403;
  await page.getByTestId("push-test").click();
  await page.getByTestId("push-result").getByText("did not take the test").waitFor();
  await page.getByTestId("push-result").getByText("HTTP status 403").waitFor();
  service.status = 201;
  await service.next("switch");

  const { page: other, context: otherContext } = await openSettings("other");
  await other.getByTestId("other-browsers").getByText("localhost").waitFor();
  await otherContext.close();

  await page.getByTestId("push-switch").click();
  await page.getByTestId("push-state").getByText("off", { exact: true }).waitFor();
  assert.equal(await page.getByTestId("push-problem").innerText(), "");
  assert.deepEqual(problems, []);
  await context.close();
});

test("a knock is pushed once, and a click on the notification leads an open page to its card", async () => {
  passAMinute();
  const { page, context, problems } = await openSettings("click");
  await switchOn(page);
  const phone = new Device("Pushed phone");
  const device = phone.connect(gateway.port);
  const { requestId, fingerprint } = await device.pending;
  const { push } = await service.next("click");
  assert.equal(push.requestId, requestId);
  await deliver(page, push);
  await until("the notification is shown", async () => (await shown(page)).length === 1);
  const [notification] = await shown(page);
  assert.equal(notification.title, "Pushed phone wants in");
  assert.equal(notification.tag, `device-${phone.id}`);
  assert.equal(notification.body, `${fingerprint.emoji.join(" ")}\n127.0.0.1 · This machine`);

  await click(await worker(context), requestId).catch((error) => assert.match(String(error), /waitUntil|InvalidState/));
  await page.waitForURL(`${gateway.origin}/devices`);
  const card = page.locator(`[data-request-id="${requestId}"]`);
  await page.locator(`[data-request-id="${requestId}"][data-called]`).waitFor();
  assert(await card.evaluate((card) => card === document.activeElement), "the card has no focus");
  assert.deepEqual(await worker(context).then((worker) => worker.evaluate(() => self.opened)), []);

  await deliver(page, push);
  await until("the notification is shown again", async () => (await shown(page)).length === 1);
  await decide(card, "approve");
  await device.hello;
  await until("the notification of what was decided goes", async () => (await shown(page)).length === 0);
  assert.equal(service.count("click"), 0);
  assert.deepEqual(problems, []);
  await device.close();
  await context.close();
});

test("without an open page a click opens one at the card, marked and in view", async () => {
  passAMinute();
  const { page, context } = await openSettings("closed");
  await switchOn(page);
  const crowd = [];
  for (const name of ["First", "Second", "Third"]) {
    const device = new Device(name).connect(gateway.port);
    crowd.push({ device, ...(await device.pending) });
    const { push } = await service.next("closed");
    await deliver(page, push);
  }
  const { requestId } = crowd[0];
  await until("all are shown", async () => (await shown(page)).length === 3);
  const sw = await worker(context);
  await page.goto("about:blank");
  await click(sw, requestId).catch((error) => assert.match(String(error), /waitUntil|InvalidState/));
  const [path] = await until("a page is opened", async () => {
    const opened = await sw.evaluate(() => self.opened);
    return opened.length > 0 && opened;
  });
  assert.equal(path, `/devices#request-${requestId}`);

  await page.setViewportSize({ width: 360, height: 640 });
  await page.goto(gateway.origin + path);
  const card = page.locator(`[data-request-id="${requestId}"][data-called]`);
  await card.waitFor();
  const { y } = await card.boundingBox();
  assert(y >= 0 && y < 320, `the card begins at ${y}`);

  // Once nobody waits, the same link says so instead.
  await gateway.rejectAll();
  await page.goto("about:blank");
  await page.goto(gateway.origin + path);
  await page.getByTestId("called-in-vain").waitFor();
  for (const { device } of crowd) await device.close();
  await context.close();
});

test("a subscription that the gateway has lost is made anew when the page is opened", async () => {
  const { page, context } = await openSettings("lost");
  await switchOn(page);
  // As after a restored backup: the gateway knows nothing of it.
  service.status = 410;
  await page.getByTestId("push-test").click();
  await page.getByTestId("push-result").getByText("did not take the test").waitFor();
  await service.next("lost");
  service.status = 201;
  await page.reload();
  await page.getByTestId("push-state").getByText("on", { exact: true }).waitFor();
  await context.close();
});

test("a browser that was told No says how to take that back, and one that cannot says why", async () => {
  const { page, context } = await openOwner(browser, gateway);
  await context.addInitScript(() =>
    Object.defineProperty(Notification, "permission", { get: () => window.toldNo ?? "denied" }),
  );
  await page.goto(gateway.origin + SETTINGS);
  await page.getByTestId("push-denied").getByText("Site settings").waitFor();
  assert.equal(await page.getByTestId("push-switch").count(), 0);
  await context.addInitScript(() => delete window.PushManager);
  await page.reload();
  await page.getByTestId("push-obstacle").getByText("cannot be pushed to").waitFor();
  await context.close();
});

test("nobody but the gateway can be subscribed to, and nothing is registered before it is wanted", async () => {
  const { page, context } = await openOwner(browser, gateway);
  assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
  const response = await page.request.get(`${gateway.origin}/sw.js`);
  assert.match(response.headers()["content-type"], /^text\/javascript/);
  assert.match(response.headers()["content-security-policy"], /default-src 'none'/);
  await context.close();
});

test("the page can be installed", async () => {
  const { page, context } = await openOwner(browser, gateway);
  const devtools = await context.newCDPSession(page);
  const { errors } = await devtools.send("Page.getAppManifest");
  assert.deepEqual(errors, []);
  const { installabilityErrors } = await devtools.send("Page.getInstallabilityErrors");
  // A profile of a test is like a private window, in which nothing is installed.
  const ids = installabilityErrors.map(({ errorId }) => errorId);
  assert.deepEqual(ids.filter((id) => id !== "in-incognito"), []);
  for (const path of ["icon-192.png", "icon-512.png", "icon-maskable-512.png", "apple-touch-icon.png", "badge.png"]) {
    const icon = await page.request.get(`${gateway.origin}/${path}`);
    assert.deepEqual([icon.status(), icon.headers()["content-type"]], [200, "image/png"], path);
  }
  await context.close();
});
