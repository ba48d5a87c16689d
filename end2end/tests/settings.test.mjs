// The page of settings: judged as typed, saved alone, live, with a way back.
import assert from "node:assert/strict";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { cards, decide, launchBrowser, openDesktop, openOwner, untilState } from "../support/browser.mjs";
import { connectProgram } from "../support/device.mjs";
import { Gateway } from "../support/gateway.mjs";
import { until } from "../support/processes.mjs";
import { startProxy } from "../support/proxy.mjs";

const TOKEN = "browser-token-0123456789abcdef";

/** What the file says at first, and again after each test. */
const FILE = `// Mine.
{
  gateway: {
    auth: { token: "${TOKEN}" }, // secret
    trustedProxies: ["127.0.0.1"], /* nginx */
  },
}
`;

let gateway, proxy, browser, owner, page;

before(async () => {
  gateway = new Gateway(true);
  gateway.configure({});
  writeFileSync(gateway.configFile, FILE);
  await gateway.start();
  // A gateway that starts again by itself has to find its port again.
  await gateway.stop();
  await gateway.start();
  proxy = await startProxy(gateway);
  browser = await launchBrowser();
  owner = await openOwner(browser, gateway, "/settings");
  page = owner.page;
  await block("knock").waitFor();
});

after(async () => {
  await browser?.close();
  await proxy?.stop();
  await gateway?.stop();
});

const block = (id, within = page) => within.getByTestId(id).first();
const text = () => readFileSync(gateway.configFile, "utf8");
const saved = (id, within = page) => block(id, within).getByTestId("saved").waitFor();

/** Puts a file in the place of the settings, as editors do: nobody ever reads half of it. */
function replace(content) {
  writeFileSync(`${gateway.configFile}.new`, content, { mode: 0o600 });
  renameSync(`${gateway.configFile}.new`, gateway.configFile);
}

/** Writes the file as an editor does, and waits until the gateway has taken it up. */
async function write(content) {
  replace(content);
  await until("the file is live", async () => {
    const { hash, appliedConfigHash } = JSON.parse((await gateway.shell("openclaw gateway call config.get --json")).stdout);
    return hash === appliedConfigHash;
  });
}

/** Puts the file back as it was, and shows it. */
async function putBack() {
  await write(FILE);
  await page.reload();
  await untilState(page, "connected");
  await block("knock").waitFor();
}

test("a setting is saved alone and live, says before what it does, and the comments of the file stay", async () => {
  const knock = block("knock");
  await knock.getByText("From nowhere").click();
  await knock.getByTestId("effects").getByText("Works at once.").waitFor();
  assert.equal(text(), FILE, "nothing is written before it is saved");
  await knock.getByTestId("save").click();
  await saved("knock");
  assert.match(text(), /"?knock"?: "off"/);
  for (const kept of ["// Mine.", "// secret", "/* nginx */", TOKEN]) assert(text().includes(kept), `${kept} is lost`);
  await untilState(page, "connected");
  await putBack();
});

test("what is typed is judged by the gateway's own rules, entry by entry", async () => {
  const proxies = block("trusted-proxies");
  const added = proxies.locator(".line").nth(1);
  await added.locator("input").fill("172.18.*");
  await added.getByText("This entry can never match").waitFor();
  assert.equal(await added.locator("input").getAttribute("aria-invalid"), "true");
  assert.equal(await proxies.getByTestId("save").getAttribute("aria-disabled"), "true");
  await added.getByRole("button", { name: "Write 172.18.0.0/16" }).click();
  await proxies.locator('[data-testid="save"][aria-disabled="false"]').waitFor();
  assert.equal(await added.locator("input").inputValue(), "172.18.0.0/16");
  await added.locator("input").fill("10.0.0.0/8");
  await added.getByText("16777216 addresses").waitFor();
  await proxies.getByTestId("give-up").click();
  await proxies.getByTestId("save").waitFor({ state: "detached" });
  assert.equal(await proxies.locator(".line").count(), 2, "one entry, and a line for another");

  const origins = block("allowed-origins");
  await origins.locator("input").first().fill("bam.example/");
  await origins.getByRole("button", { name: "Write https://bam.example" }).waitFor();
  await origins.getByTestId("give-up").click();
  assert.equal(text(), FILE);
});

test("what a flag or the environment says is shown as such and cannot be edited", async () => {
  const port = block("port");
  await port.getByText("Set by the flag --port").waitFor();
  assert(await port.locator("input").isDisabled());
});

test("a change that was made elsewhere shows at once", async () => {
  const { code, stderr } = await gateway.shell("openclaw config set gateway.pairing.knock any");
  assert.equal(code, 0, stderr);
  await block("knock").locator('input[value="any"]:checked').waitFor();
  await putBack();
});

test("a save over somebody else's change is refused with both versions, and either can be had", async () => {
  const origins = block("allowed-origins");
  const theirs = (page) => FILE.replace("trustedProxies", `controlUi: { allowedOrigins: ["${page}"] }, trustedProxies`);
  await origins.locator("input").first().fill("https://mine.example");
  await origins.locator('[data-testid="save"][aria-disabled="false"]').waitFor();
  replace(theirs("https://theirs.example"));
  // Whether the page has heard of it or the gateway refuses: nothing is overwritten.
  await origins.getByTestId("save").click({ timeout: 2_000 }).catch(() => {});
  await origins.getByTestId("conflict").waitFor();
  assert.equal(await origins.getByTestId("theirs").innerText(), "https://theirs.example");
  assert.equal(await origins.getByTestId("yours").innerText(), "https://mine.example");
  assert.equal(text(), theirs("https://theirs.example"));
  await origins.getByTestId("take-theirs").click();
  assert.equal(await origins.locator("input").first().inputValue(), "https://theirs.example");

  await origins.locator("input").first().fill("https://mine.example");
  replace(theirs("https://again.example"));
  await origins.getByTestId("save-mine").click();
  await saved("allowed-origins");
  assert(text().includes("https://mine.example") && text().includes("// Mine."), text());
  await putBack();
  await untilState(page, "connected");
});

test("the token is shown only when asked for twice, and nothing of it stays behind", async () => {
  const token = block("access-token");
  const isAnywhere = (secret) =>
    page.evaluate(async (secret) => {
      const kept = [document.documentElement.outerHTML, ...Object.values(localStorage), ...Object.values(sessionStorage)];
      kept.push(...[...document.querySelectorAll("input")].map((input) => input.value));
      return kept.some((place) => place.includes(secret));
    }, secret);
  await token.getByTestId("show-secret").click();
  assert.equal(await isAnywhere(TOKEN), false, "it is there before anybody has confirmed");
  await page.getByTestId("reveal").click();
  await page.getByTestId("secret").getByText(TOKEN).waitFor();
  await page.getByTestId("hide-secret").click();
  await page.getByTestId("secret").waitFor({ state: "detached" });
  assert.equal(await isAnywhere(TOKEN), false, "it is still there");
  assert(!gateway.log.join("\n").includes(TOKEN), "it is in the log");
});

test("a new token lists first who is disconnected, works at once, and is shown once", async () => {
  const program = connectProgram(gateway.port, TOKEN);
  await program.hello;
  await block("access-token").getByTestId("change-secret").click();
  await page.getByTestId("disconnected").getByText("Disconnected until they are given the new secret: cli").waitFor();
  await page.getByTestId("save-secret").click();
  const fresh = await page.getByTestId("new-secret").locator("code").innerText();
  assert.equal(gateway.token, fresh);
  assert(fresh.length >= 43 && fresh !== TOKEN);
  await page.getByText("Give the new one to: cli").waitFor();
  await page.getByTestId("secret-done").click();
  assert(!(await page.content()).includes(fresh), "it is still there");
  await untilState(page, "connected");
  await assert.rejects(connectProgram(gateway.port, TOKEN).hello, "the old one is worth nothing");
  const again = connectProgram(gateway.port, fresh);
  await again.hello;
  await again.close();
  await putBack();
});

test("an address that behaves like a proxy is offered, and an entry says who came through it", async () => {
  await write(FILE.replace('"127.0.0.1"', ""));
  const stranger = page.getByTestId("stranger");
  const visit = await fetch(gateway.origin, { headers: { "x-forwarded-for": "192.0.2.7" } });
  assert.equal(visit.status, 403);
  await page.reload();
  await stranger.getByText("127.0.0.1 sent forwarding headers").waitFor();
  await stranger.getByRole("button", { name: "Trust 127.0.0.1" }).click();
  const proxies = block("trusted-proxies");
  await proxies.locator('[data-testid="save"][aria-disabled="false"]').click();
  await saved("trusted-proxies");
  assert.match(text(), /trustedProxies: \[\s*"127\.0\.0\.1",?\s*\]/);
  await untilState(page, "connected");
  await fetch(gateway.origin, { headers: { "x-forwarded-for": "192.0.2.7" } });
  await page.reload();
  await proxies.getByText("Clients lately: 192.0.2.7").waitFor();
  await putBack();
});

test("a change that cuts off whoever makes it is taken back byte for byte unless they come back", async () => {
  const away = await openDesktop(browser, { ignoreHTTPSErrors: true });
  await away.page.goto(`${proxy.origin}/settings`);
  await untilState(away.page, "waiting");
  const overview = await openOwner(browser, gateway);
  await decide(cards(overview.page), "approve");
  await overview.context.close();
  await untilState(away.page, "connected");

  const proxies = block("trusted-proxies", away.page);
  await proxies.locator(".line input").first().fill("10.9.9.9");
  await proxies.getByTestId("cut-off").getByText("You come in through 127.0.0.1").waitFor();
  await proxies.getByRole("button", { name: "Save with a way back" }).click();
  await untilState(away.page, "away");
  assert(text().includes("10.9.9.9") && text().includes("/* nginx */"), text());
  const waiting = page.getByTestId("trial");
  await waiting.getByText("It is taken back in").waitFor();

  gateway.moveClock(61);
  await page.getByTestId("trial-ended").getByText("the change was taken back").waitFor();
  assert.equal(text(), FILE);
  await untilState(away.page, "connected");
  await away.page.getByTestId("trial-ended").getByText("the change was taken back").waitFor();
  gateway.moveClock(0);
  await away.context.close();
});

test("a change on trial is kept by whoever is there", async () => {
  const program = connectProgram(gateway.port, TOKEN);
  await program.hello;
  const { hash } = await program.call("config.get");
  const change = { gateway: { pairing: { knock: "off" } } };
  await program.call("config.patch", { raw: JSON.stringify(change), baseHash: hash, confirmWithinMs: 60_000 });
  await page.getByTestId("trial").getByTestId("keep").click();
  await page.getByTestId("trial-ended").getByText("the change stays").waitFor();
  gateway.moveClock(120);
  await page.reload();
  await block("knock").locator('input[value="off"]:checked').waitFor();
  gateway.moveClock(0);
  await putBack();
});

test("a setting that needs a restart says so, and the gateway starts again from the page", async () => {
  const bind = block("bind");
  await bind.getByText("One address").click();
  await bind.getByTestId("gateway.customBindHost").fill("127.0.0.1");
  await bind.getByTestId("effects").getByText("Works after a restart of the gateway.").waitFor();
  await bind.getByTestId("save").click();
  const due = page.getByTestId("restart-due");
  await due.waitFor();
  await due.getByTestId("restart").click();
  await untilState(page, "away");
  await untilState(page, "connected");
  await bind.getByText("custom").waitFor();
  await due.waitFor({ state: "detached" });
  await putBack();
});

test("no page complained about its policy or its scripts", () => {
  assert.deepEqual(owner.problems.filter((words) => !words.includes("WebSocket")), []);
});
