// Real Chromium. Each profile is a browser context, with a device key of its own.
import { chromium } from "playwright-core";
import { PATIENCE } from "./processes.mjs";
import { PROXY_HOST } from "./proxy.mjs";

/** A name for this machine that browsers do not take for this machine. */
export const INSECURE_HOST = "gateway.test";

const DESKTOP = { viewport: { width: 1280, height: 800 }, locale: "en-US" };

const PHONE = {
  viewport: { width: 360, height: 740 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
  ignoreHTTPSErrors: true,
  locale: "en-US",
  userAgent: "Mozilla/5.0 (Linux; Android 14; Pixel 9) AppleWebKit/537.36 Chrome/149.0.0.0 Mobile Safari/537.36",
};

/** The name under which a phone of these tests asks. */
export const PHONE_NAME = "Chrome on Pixel 9";

export function launchBrowser() {
  const here = [PROXY_HOST, INSECURE_HOST].map((name) => `MAP ${name} 127.0.0.1`).join(", ");
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: [`--host-resolver-rules=${here}`, "--disable-dev-shm-usage"],
  });
}

/** A new profile and its first page. `problems` collects errors and violations of the page's policy. */
async function openProfile(browser, options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(`error: ${error}`));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
  if (options.javaScriptEnabled !== false) {
    await page.exposeFunction("reportViolation", (words) => problems.push(`policy: ${words}`));
    await page.addInitScript(() =>
      addEventListener("securitypolicyviolation", (event) =>
        reportViolation(`${event.violatedDirective} ${event.blockedURI}`),
      ),
    );
  }
  return { context, page, problems };
}

export const openDesktop = (browser, options = {}) => openProfile(browser, { ...DESKTOP, ...options });
export const openPhone = (browser, options = {}) => openProfile(browser, { ...PHONE, ...options });

/** Waits until the page is in one of the states of its connection. */
export async function untilState(page, state) {
  await page.locator(`main[data-state="${state}"]`).waitFor();
}

/** A desktop profile that redeemed an owner link and shows `path`. */
export async function openOwner(browser, gateway, path = "/") {
  const profile = await openDesktop(browser);
  await profile.page.goto(await gateway.newLink());
  await untilState(profile.page, "connected");
  if (path !== "/") {
    await profile.page.goto(gateway.origin + path);
    await untilState(profile.page, "connected");
  }
  return profile;
}

/** A phone that opened `url` and waits for approval. */
export async function openWaitingPhone(browser, url) {
  const profile = await openPhone(browser);
  await profile.page.goto(url);
  await untilState(profile.page, "waiting");
  return profile;
}

export const cards = (page) => page.getByTestId("pending-card");

/** Clicks a button of a card, once a person could have looked at it. */
export async function decide(card, button) {
  await card.locator(`[data-testid="${button}"][aria-disabled="false"]`).click();
}

/** A phone that came in through the proxy, approved on the owner's page. */
export async function openApprovedPhone(browser, url, owner) {
  const phone = await openWaitingPhone(browser, url);
  await decide(cards(owner.page), "approve");
  await untilState(phone.page, "connected");
  return phone;
}

/** The fingerprint shown inside an element or page. */
export async function fingerprint(within) {
  const read = (part) => within.getByTestId(`fingerprint-${part}`).innerText();
  return { emoji: await read("emoji"), words: await read("words"), hex: await read("hex") };
}

/** Makes a page remember itself, so that a reload would show. */
export const markDocument = (page) => page.evaluate(() => void (window.isTheSameDocument = true));
export const isSameDocument = (page) => page.evaluate(() => window.isTheSameDocument === true);
