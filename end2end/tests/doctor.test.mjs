// Who came and what became of it: the cause, and the fix in one click; the checks; the proxy lab.
import assert from "node:assert/strict";
import { chmodSync, statSync } from "node:fs";
import { after, before, test } from "node:test";
import { launchBrowser, openOwner, openPhone, untilState } from "../support/browser.mjs";
import { Device } from "../support/device.mjs";
import { Gateway } from "../support/gateway.mjs";
import { startProxy, TAILNET_ADDRESS } from "../support/proxy.mjs";

const MARKUP = "</script><img src=x onerror=alert(1)>";

let gateway, proxy, browser, owner, page;

before(async () => {
  gateway = await Gateway.start();
  proxy = await startProxy(gateway);
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway, "/doctor");
  page = owner.page;
});

after(async () => {
  await browser?.close();
  await proxy?.stop();
  await gateway?.stop();
});

const attempts = (outcome) => page.locator(`[data-testid="attempt"][data-outcome="${outcome}"]`);

test("a proxy that nobody trusts is told with its cause; one click, previewed, and the phone gets through", async () => {
  const phone = await openPhone(browser);
  const refused = await phone.page.goto(proxy.origin);
  assert.equal(refused.status(), 403);
  const attempt = attempts("refused").first();
  await attempt.getByText("The request came through 127.0.0.1, which is not a trusted proxy").waitFor();
  await attempt.getByTestId("fix-setting").click();
  const preview = page.getByTestId("fix-preview");
  await preview.getByText(`client ${TAILNET_ADDRESS}, Tailnet`).waitFor();
  await preview.getByText("gateway.trustedProxies").waitFor();
  assert.doesNotMatch((await gateway.shell("openclaw config get gateway.trustedProxies")).stdout, /127/, "it was done unasked");
  await page.locator('[data-testid="fix-confirm"][aria-disabled="false"]').click();
  await preview.waitFor({ state: "hidden" });
  await untilState(page, "connected");
  assert.match((await gateway.shell("openclaw config get gateway.trustedProxies")).stdout, /127\.0\.0\.1/);
  await phone.page.goto(proxy.origin);
  await untilState(phone.page, "waiting");
  await attempts("waiting").filter({ hasText: TAILNET_ADDRESS }).getByText("openclaw devices approve").waitFor();
  await phone.context.close();
});

test("who is turned away again and again is one line with a count, and what it says of itself is text", async () => {
  const device = new Device(MARKUP);
  for (let times = 0; times < 3; times++) {
    await assert.rejects(device.connect(gateway.port, { token: "wrong" }).hello);
  }
  const attempt = attempts("refused").filter({ hasText: MARKUP });
  await attempt.getByText(/^3 times/).waitFor();
  await attempt.getByText("That is not the gateway's access token.").waitFor();
  await attempt.nth(1).waitFor({ state: "detached" });
  await page.getByTestId("attempt-kind").selectOption("in");
  await attempt.waitFor({ state: "detached" });
  await page.getByTestId("attempt-kind").selectOption("");
  await page.getByTestId("attempt-search").fill("onerror");
  await attempt.waitFor();
  await page.getByTestId("attempt").nth(1).waitFor({ state: "detached" });
  await page.getByTestId("attempt-search").fill("");
  assert.equal(await page.locator("main img").count(), 0);
});

test("the lab shows hop by hop what the gateway makes of a request, now and with other proxies", async () => {
  await page.getByTestId("lab-peer").fill("172.18.0.1");
  await page.getByTestId("lab-headers").fill("GET / HTTP/1.1\nX-Forwarded-For: 127.0.0.1, 203.0.113.9\nX-Forwarded-Proto: https");
  await page.getByTestId("lab-proxies").fill("172.18.0.0/16\nlocalhost");
  await page.getByTestId("lab-ask").click();
  const [now, then] = [page.getByTestId("lab-now"), page.getByTestId("lab-then")];
  await now.getByTestId("lab-verdict").getByText("proxy_attribution_required").waitFor();
  await now.getByText("172.18.0.1 is no trusted proxy, but sends X-Forwarded-For").waitFor();
  await then.getByTestId("lab-verdict").getByText("client 203.0.113.9, Public").waitFor();
  await then.getByText("“127.0.0.1” further left is hearsay").waitFor();
  await then.getByText("These entries can never match: localhost").waitFor();
  await page.getByTestId("lab-peer").fill("not an address");
  await page.getByTestId("lab-ask").click();
  await page.getByText("The other end has to be an IP address.").waitFor();
});

test("an attempt can be taken into the lab", async () => {
  await attempts("waiting").filter({ hasText: TAILNET_ADDRESS }).first().getByTestId("to-lab").click();
  await page.getByTestId("lab-now").getByText(`client ${TAILNET_ADDRESS}, Tailnet`).waitFor();
  assert.match(await page.getByTestId("lab-headers").inputValue(), /x-forwarded-for: 100\.101\.102\.103/);
});

test("what a check finds is repaired with one click", async () => {
  chmodSync(gateway.configFile, 0o644);
  await page.getByTestId("checks-run").click();
  const check = page.locator('[data-testid="check"][data-check="state-mode"]');
  await check.getByTestId("check-fix").click();
  await page.getByTestId("checks-said").getByText("closed").waitFor();
  await check.waitFor({ state: "detached" });
  assert.equal(statSync(gateway.configFile).mode & 0o777, 0o600);
  assert.deepEqual(
    owner.problems.filter((problem) => !problem.includes("WebSocket")),
    [],
  );
});
