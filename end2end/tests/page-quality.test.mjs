// Every screen fits a phone and a desktop, in light and dark, for eyes, ears and keyboards.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import {
  cards,
  decide,
  INSECURE_HOST,
  launchBrowser,
  openApprovedPhone,
  openDesktop,
  openOwner,
  untilState,
} from "../support/browser.mjs";
import { Device } from "../support/device.mjs";
import { Gateway } from "../support/gateway.mjs";
import { PUBLIC_ADDRESS, startProxy, TRUSTING } from "../support/proxy.mjs";

const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** A name made to break layouts. */
const LONG_NAME = `Kitchen tablet of ${"Donaudampfschifffahrtsgesellschaft".repeat(2)}`;

let gateway, tailnet, internet, browser, owner, knocking;

before(async () => {
  gateway = await Gateway.start({ config: TRUSTING });
  tailnet = await startProxy(gateway);
  internet = await startProxy(gateway, PUBLIC_ADDRESS);
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway);
});

after(async () => {
  await browser?.close();
  await tailnet?.stop();
  await internet?.stop();
  await gateway?.stop();
});

/** A profile that shows one of the screens. */
async function open(url, prepare = () => {}) {
  const profile = await openDesktop(browser, { ignoreHTTPSErrors: true });
  await prepare(profile.page);
  await profile.page.goto(url);
  return profile;
}

const noAnswer = (page) => page.routeWebSocket("**", () => {});
const noGateway = (page) => page.routeWebSocket("**", (socket) => socket.close({ code: 1001 }));
const noDatabase = (page) =>
  page.addInitScript(() => {
    indexedDB.open = () => {
      throw new DOMException("The operation is insecure.", "SecurityError");
    };
  });

async function openRemoved() {
  const phone = await openApprovedPhone(browser, tailnet.origin, owner);
  const { deviceId } = (await gateway.list()).paired.find(({ remoteIp }) => remoteIp);
  await gateway.shell(`openclaw devices remove ${deviceId}`);
  return phone;
}

/** The owner's page with a card on it. */
async function openWithCard(path) {
  const profile = await openOwner(browser, gateway, path);
  const device = new Device(LONG_NAME, { scopes: ["operator.admin", "operator.read", "operator.write"] });
  knocking = device.connect(gateway.port);
  await knocking.pending;
  await cards(profile.page).locator('[data-testid="approve"][aria-disabled="false"]').waitFor();
  return profile;
}

/** One of the owner's pages once it shows something. */
async function openFilled(path, testId) {
  const profile = await openOwner(browser, gateway, path);
  await profile.page.getByTestId(testId).first().waitFor();
  return profile;
}

/** The page of settings, with a list that the gateway has something against. */
async function openSettings() {
  const profile = await openOwner(browser, gateway, "/settings");
  await profile.page.locator('[data-testid="gateway.trustedProxies"] input').last().fill("172.18.*");
  await profile.page.getByText("This entry can never match").waitFor();
  await profile.page.getByTestId("other-browsers").or(profile.page.getByText("No other browser is told.")).waitFor();
  return profile;
}

const screens = {
  connecting: { state: "connecting", open: () => open(gateway.origin, noAnswer) },
  "needs a secret": { state: "secret", open: () => open(internet.origin) },
  waiting: { state: "waiting", open: () => open(tailnet.origin) },
  overview: { state: "connected", open: () => openOwner(browser, gateway) },
  "overview with a card": { state: "connected", open: () => openWithCard("/") },
  "devices with a card": { state: "connected", open: () => openWithCard("/devices") },
  doctor: { state: "connected", open: () => openFilled("/doctor", "attempt") },
  audit: { state: "connected", open: () => openFilled("/audit", "audit-entry") },
  logs: { state: "connected", open: () => openFilled("/logs", "log-line") },
  settings: { state: "connected", open: openSettings },
  refused: { state: "refused", open: () => open(`${gateway.origin}/#bootstrapToken=used-up`) },
  "insecure address": { state: "insecure", open: () => open(`http://${INSECURE_HOST}:${gateway.port}`) },
  "browser without a key store": { state: "unsupported", open: () => open(gateway.origin, noDatabase) },
  "gateway away": { state: "away", open: () => open(gateway.origin, noGateway) },
  removed: { state: "removed", open: openRemoved },
};

for (const [name, { state, open }] of Object.entries(screens)) {
  test(`the screen "${name}" fits 360 and 1280 px and is accessible, in light and dark`, async () => {
    const { context, page } = await open();
    await untilState(page, state);
    await page.evaluate(axe);
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        const scrollWidth = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.equal(scrollWidth, width, `it scrolls at ${width} px`);
        const isCut = (rail) => rail.getBoundingClientRect().right > innerWidth || rail.scrollWidth > rail.clientWidth;
        assert.equal(await page.evaluate(`[...document.querySelectorAll("nav.rail")].some(${isCut})`), false, "navigation is cut");
        assert.deepEqual(await violations(page), [], `${colorScheme}, ${width} px`);
      }
    }
    await knocking?.close();
    await context.close();
    await gateway.rejectAll();
  });
}

/** What axe finds that would keep somebody from using the page. */
const violations = (page) =>
  page.evaluate(async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    const grave = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    return grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  });

test("a new request is announced to a screen reader", async () => {
  const { context, page } = await openOwner(browser, gateway);
  const device = new Device("Ada's phone").connect(gateway.port);
  await device.pending;
  await page.locator('[role="status"][aria-live="polite"]', { hasText: "New device wants in: Ada's phone" }).waitFor();
  await device.close();
  await context.close();
  await gateway.rejectAll();
});

test("the keyboard alone approves: Tab finds Approve, focus is visible, Enter on it decides", async () => {
  const { context, page } = await openOwner(browser, gateway);
  const device = new Device("Ada's phone").connect(gateway.port);
  await device.pending;
  await cards(page).locator('[data-testid="approve"][aria-disabled="false"]').waitFor();
  const focused = (read) => page.evaluate(read);
  for (let presses = 0; (await focused(() => document.activeElement.dataset.testid)) !== "approve"; presses++) {
    assert(presses < 30, "Approve was not found");
    await page.keyboard.press("Tab");
  }
  const outline = await focused(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return { style: outlineStyle, width: parseFloat(outlineWidth) };
  });
  assert(outline.style !== "none" && outline.width >= 2, `focus is not visible: ${JSON.stringify(outline)}`);
  await page.keyboard.press("Enter");
  assert.equal((await device.hello).type, "hello-ok");
  await device.close();
  await context.close();
});

test("a secret that was typed wrong is told apart, and the right one lets the browser ask", async () => {
  const { context, page } = await open(internet.origin);
  await page.getByTestId("secret-input").fill("not the token");
  await page.keyboard.press("Enter");
  await page.getByText("That is not the gateway's token.").waitFor();
  await page.getByTestId("secret-input").fill(gateway.token);
  await page.keyboard.press("Enter");
  await untilState(page, "waiting");
  await cards(owner.page).getByText(PUBLIC_ADDRESS).waitFor();
  assert(!(await cards(owner.page).innerText()).includes("no secret"));
  await decide(cards(owner.page), "approve");
  await untilState(page, "connected");
  await context.close();
});
