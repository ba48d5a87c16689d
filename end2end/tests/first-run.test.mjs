// First run: an empty home, one click on the owner link, and nothing to type, then or later.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isSameDocument, launchBrowser, markDocument, openDesktop, untilState } from "../support/browser.mjs";
import { Gateway } from "../support/gateway.mjs";

let gateway, browser, owner, code;
const heard = [];

before(async () => {
  gateway = await Gateway.start();
  browser = await launchBrowser();
  owner = await openDesktop(browser);
  code = new URL(gateway.link).hash.replace("#bootstrapToken=", "");
  // Everything that leaves the browser over HTTP, and every document that comes back.
  owner.page.on("request", (request) =>
    heard.push(`${request.method()} ${request.url()} ${JSON.stringify(request.headers())} ${request.postData()}`),
  );
  owner.page.on("response", async (response) => {
    if (response.request().resourceType() === "document") heard.push(await response.text().catch(() => ""));
  });
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
});

test("the owner link lets a browser in, with nothing typed", async () => {
  await owner.page.goto(gateway.link);
  await untilState(owner.page, "connected");
  await owner.page.getByText("This browser is now the owner's.").waitFor();
});

test("the link's code leaves the address bar and the history", async () => {
  assert.equal(owner.page.url(), `${gateway.origin}/`);
  const devtools = await owner.context.newCDPSession(owner.page);
  const { entries } = await devtools.send("Page.getNavigationHistory");
  assert.deepEqual(entries.map(({ url }) => url), ["about:blank", `${gateway.origin}/`]);
});

test("a reload keeps the browser in", async () => {
  await owner.page.reload();
  await untilState(owner.page, "connected");
});

test("while the gateway is down the page says so, and it comes back by itself", async () => {
  await markDocument(owner.page);
  await gateway.stop();
  await untilState(owner.page, "away");
  await owner.page.getByRole("heading", { name: "The gateway does not answer" }).waitFor();
  await gateway.start();
  await untilState(owner.page, "connected");
  assert(await isSameDocument(owner.page), "the page was reloaded");
});

test("a second browser that opens the same link is refused, in a sentence", async () => {
  const stranger = await openDesktop(browser);
  await stranger.page.goto(`${gateway.origin}/#bootstrapToken=${code}`);
  await untilState(stranger.page, "refused");
  await stranger.page.getByText("This one-time code was used already, belongs to another device, or is too old.").waitFor();
  await stranger.page.getByText("openclaw dashboard").first().waitFor();
  await stranger.context.close();
});

test("no secret is in a request, a document, the browser's storage or the log", async () => {
  const places = {
    requests: heard.join("\n"),
    page: await owner.page.content(),
    storage: await owner.page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie])),
    log: gateway.log.join("\n"),
  };
  assert(places.requests.includes("/pkg/app.js"), "no request was heard");
  for (const [place, text] of Object.entries(places)) {
    assert(!text.includes(code), `the link's code is in: ${place}`);
    assert(!text.includes(gateway.token), `the gateway's token is in: ${place}`);
  }
});
