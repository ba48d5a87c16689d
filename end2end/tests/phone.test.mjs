// A phone knocks, through a real TLS proxy; the owner compares, clicks once, and it is in.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  cards,
  fingerprint,
  isSameDocument,
  launchBrowser,
  markDocument,
  openOwner,
  openWaitingPhone,
  PHONE_NAME,
  untilState,
} from "../support/browser.mjs";
import { measureClickToIn } from "../support/click-to-in.mjs";
import { Gateway } from "../support/gateway.mjs";
import { until } from "../support/processes.mjs";
import { startProxy, TAILNET_ADDRESS, TRUSTING } from "../support/proxy.mjs";

/** A phone that came back by its own clock would take longer. How fast it is, and the gateway is, `make bench` measures. */
const AT_ONCE_MS = 1_000;

let gateway, proxy, browser, owner, phone, card, clickToIn;

before(async () => {
  gateway = await Gateway.start({ config: TRUSTING });
  proxy = await startProxy(gateway);
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway);
  await clickApproveAtOnce(owner.page);
  phone = await openWaitingPhone(browser, proxy.origin);
  await markDocument(phone.page);
  card = cards(owner.page);
});

after(async () => {
  await browser?.close();
  await proxy?.stop();
  await gateway?.stop();
});

/** Clicks Approve in the very moment that the button appears, and notes when that was. */
const clickApproveAtOnce = (page) =>
  page.evaluate(() => {
    const watch = new MutationObserver(() => {
      const button = document.querySelector("[data-testid=approve]");
      if (!button) return;
      watch.disconnect();
      button.click();
      window.clickedTooEarlyAt = performance.now();
    });
    watch.observe(document.body, { childList: true, subtree: true });
  });

const countWaiting = async () => (await gateway.list()).pending.length;

test("a click in the first 600 ms of a card does nothing", async () => {
  await card.locator('[data-testid="approve"][aria-disabled="false"]').waitFor();
  const inertFor = await owner.page.evaluate(() => performance.now() - window.clickedTooEarlyAt);
  assert(inertFor >= 590, `the card was open after ${inertFor} ms`);
  assert.equal(await countWaiting(), 1);
  assert.equal(await card.getByTestId("approve").innerText(), "Approve");
});

test("Enter on the page approves nothing", async () => {
  await owner.page.keyboard.press("Enter");
  assert.equal(await countWaiting(), 1);
  await untilState(phone.page, "waiting");
});

test("the phone and the owner's card show the same fingerprint", async () => {
  const onPhone = await fingerprint(phone.page);
  assert.deepEqual(await fingerprint(card), onPhone);
  assert.match(onPhone.hex, /^[0-9a-f]{4} [0-9a-f]{4}$/);
  assert.equal(onPhone.words.split(" ").length, 4);
});

test("the card says who asks, from where, how that is known, and that no secret was shown", async () => {
  const text = await card.innerText();
  const told = [PHONE_NAME, TAILNET_ADDRESS, "Tailnet", "through the trusted proxy 127.0.0.1", "HTTPS", "no secret"];
  for (const words of told) assert(text.includes(words), `"${words}" is not in the card:\n${text}`);
});

test("one click lets the phone in at once, without a reload", async (t) => {
  clickToIn = await measureClickToIn(owner.page, phone.page);
  t.diagnostic(`from click to connected: ${clickToIn.toFixed(1)} ms`);
  assert(clickToIn > 0 && clickToIn <= AT_ONCE_MS, `it took ${clickToIn} ms`);
  assert(await isSameDocument(phone.page), "the phone's page was reloaded");
});

test("the gateway logs its share of that, and it is less", async (t) => {
  const record = await until("the gateway logs the approval", () =>
    gateway.records().find((record) => "decision_to_hello_us" in record),
  );
  t.diagnostic(`from decision to hello: ${record.decision_to_hello_us} µs`);
  assert(record.decision_to_hello_us > 0 && record.decision_to_hello_us <= clickToIn * 1000);
});

test("the card is gone, the phone is listed, and neither page complained", async () => {
  await card.waitFor({ state: "detached" });
  const { paired } = await gateway.list();
  assert(paired.some((device) => device.displayName === PHONE_NAME && device.remoteIp === TAILNET_ADDRESS));
  assert.deepEqual([...owner.problems, ...phone.problems], []);
});
