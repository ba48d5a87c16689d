// What was decided: shown live, with what was displayed; filtered, exported, verified.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { launchBrowser, openOwner } from "../support/browser.mjs";
import { Device } from "../support/device.mjs";
import { Gateway } from "../support/gateway.mjs";

const MARKUP = "</script><img src=x onerror=alert(1)>";

let gateway, browser, owner, page;

before(async () => {
  gateway = await Gateway.start();
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway, "/audit");
  page = owner.page;
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

const entries = (action) => page.locator(`[data-testid="audit-entry"]${action ? `[data-action="${action}"]` : ""}`);

/** A device that knocks and is approved on the command line. */
async function pair(name) {
  const device = new Device(name);
  const line = device.connect(gateway.port);
  const { requestId } = await line.pending;
  await gateway.shell(`openclaw devices approve ${requestId}`);
  await line.hello;
  return { device, line, requestId };
}

test("the owner's own link is the first thing in it, and the chain is verified", async () => {
  await entries("owner-link-made").first().waitFor();
  await entries("owner-link-used").first().waitFor();
  await page.getByTestId("chain").getByText(/^Chain verified: \d+ decisions$/).waitFor();
});

test("a decision made elsewhere appears at once, with what was displayed, by whom and from where", async () => {
  const { line, requestId } = await pair(MARKUP);
  const entry = entries("approved").filter({ hasText: `${MARKUP} was let in` });
  await entry.waitFor();
  await entry.getByText("by the owner, at the command line").waitFor();
  await entry.locator("summary").click();
  const details = await entry.locator(".evidence").innerText();
  for (const fact of [requestId, "127.0.0.1", "This machine", "Allowed since then", "operator.read", "What was displayed"]) {
    assert(details.includes(fact), `${fact} is missing in:\n${details}`);
  }
  assert.match(await entry.getByTestId("fingerprint-words").innerText(), /^\w+ \w+ \w+ \w+$/);
  assert.equal(await page.locator("main img").count(), 0, "a name was taken for markup");
  await line.close();
});

test("filters leave the rest out, and a search finds by name", async () => {
  const { device, line } = await pair("Ada's phone");
  await line.close();
  await gateway.shell(`openclaw devices rename ${device.id} Kitchen`);
  await entries("renamed").waitFor();
  await page.getByTestId("filter-kind").selectOption("names");
  await entries("approved").first().waitFor({ state: "detached" });
  assert.equal(await entries().count(), 1);
  await page.getByTestId("filter-search").fill("nowhere");
  await page.getByTestId("audit-empty").getByText("No decision fits.").waitFor();
  await page.getByTestId("filter-search").fill("kitchen");
  await entries("renamed").getByText("Ada's phone is now called Kitchen").waitFor();
  await page.getByTestId("filter-search").fill("");
  await page.getByTestId("filter-kind").selectOption("any");
  await entries("approved").first().waitFor();
});

test("the export is one file whose every line can be checked by anybody", async () => {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId("export").click()]);
  assert.equal(download.suggestedFilename(), "openclaw-audit.jsonl");
  const lines = readFileSync(await download.path(), "utf8").trimEnd().split("\n").reverse();
  assert(lines.length >= 5, `${lines.length} lines`);
  let previous = "0".repeat(64);
  for (const line of lines) {
    const { hash } = JSON.parse(line);
    const entry = line.replace(`"hash":"${hash}",`, "");
    assert.equal(createHash("sha256").update(previous + entry).digest("hex"), hash, line);
    previous = hash;
  }
  assert.deepEqual(owner.problems, []);
});
