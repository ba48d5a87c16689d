// The official Control UI in Chromium, served from elsewhere on this machine and connected to our gateway.
import { launchBrowser, openDesktop } from "../support/browser.mjs";
import { Visitors } from "./devices.mjs";
import { assert, soon } from "./expect.mjs";
import { paired, pairedNamed, startGateway } from "./gateway.mjs";
import { Official } from "./official.mjs";
import { startStaticServer } from "./static-server.mjs";

const CONNECTED = /gateway connected/;

export async function controlUi(rows) {
  const server = await startStaticServer();
  const gateway = await startGateway({ controlUi: { allowedOrigins: [server.origin] } });
  const cli = Official.beside(gateway);
  const host = new Official().nodeHost(gateway.port, "Near node", gateway.token);
  const browser = await launchBrowser();
  const visitors = new Visitors(gateway);
  const { page } = await openDesktop(browser);
  const dialog = page.locator("openclaw-modal-dialog");
  const entry = (name) => page.locator(".device-entry").filter({ hasText: name });
  const button = (within, name) => within.getByRole("button", { name, exact: true });

  /** Opens the page with a fragment that names our gateway, and agrees to go there. */
  const open = async (page, origin, fragment) => {
    const there = encodeURIComponent(`ws://127.0.0.1:${gateway.port}`);
    await page.goto(`${origin}/#${fragment}&gatewayUrl=${there}`);
    await button(page, `Switch to 127.0.0.1:${gateway.port}`).click();
  };

  /** Does something on the page of a browser that was never here before. */
  const inNewBrowser = async (work) => {
    const { context, page } = await openDesktop(browser);
    await work(page);
    await context.close();
  };

  const untilConnected = (page) =>
    page.getByText("Connected", { exact: true }).first().waitFor({ state: "attached" });

  /** Chooses from the menu of a device. */
  const choose = async (name, item) => {
    await button(entry(name), `Actions for ${name}`).click();
    await entry(name).locator("wa-dropdown-item").filter({ hasText: item }).click();
  };

  await rows.works("Control UI", "connects with a link that carries the token", async () => {
    await open(page, server.origin, `token=${gateway.token}`);
    await untilConnected(page);
    const itself = await soon("the gateway knows the page", async () =>
      (await gateway.list()).paired.find((device) => device.clientId === "openclaw-control-ui" && device.connected),
    );
    assert.deepEqual(itself.roles, ["operator"]);
  });

  await rows.works("Control UI", "connects with the one-time code that our `openclaw dashboard` makes", async () => {
    const code = new URLSearchParams(new URL(await gateway.newLink()).hash.slice(1)).get("bootstrapToken");
    await inNewBrowser(async (page) => {
      await open(page, server.origin, `bootstrapToken=${code}&bootstrapProfile=owner`);
      await untilConnected(page);
      const pages = (await gateway.list()).paired.filter(({ clientId }) => clientId === "openclaw-control-ui");
      assert.deepEqual(pages.map(({ approvedVia }) => approvedVia).sort(), ["bootstrap", "silent"]);
    });
  });

  await rows.differs(
    "CLI",
    "`dashboard`",
    "works on its own local state. It puts the code of its link into the database of an official gateway and never asks ours, which refuses it; `openclaw dashboard` of this gateway makes links that count",
    async () => {
      const { ok, browserUrl } = await cli.json("dashboard", "--no-open");
      assert.equal(ok, true);
      const code = new URLSearchParams(new URL(browserUrl).hash.slice(1)).get("bootstrapToken");
      await inNewBrowser(async (page) => {
        await open(page, server.origin, `bootstrapToken=${code}&bootstrapProfile=owner`);
        await page.getByText(/setup code invalid, expired, revoked, or already used/).first().waitFor({ state: "attached" });
      });
    },
  );

  await rows.works("Control UI", "is refused from an origin that is not in `gateway.controlUi.allowedOrigins`", async () => {
    const stranger = await startStaticServer();
    await inNewBrowser(async (page) => {
      await open(page, stranger.origin, `token=${gateway.token}`);
      await page.getByText(/origin not allowed/i).first().waitFor();
    });
    stranger.stop();
  });

  const first = await visitors.ask("First device");
  await rows.works("Control UI", "stays connected after a reload, and shows who waits on its Devices page", async () => {
    await page.goto(`${server.origin}/settings/devices`);
    await entry("First device").getByText("Pending approval").waitFor();
    await page.getByText("1 awaiting approval").waitFor();
  });

  await rows.works("Control UI", "Devices page: approve", async () => {
    await button(entry("First device"), "Approve").click();
    await first.hello();
    await entry("First device").getByText("connected", { exact: true }).waitFor();
    assert.equal((await paired(gateway, first.id)).approvedVia, "owner");
  });

  await rows.works("Control UI", "Devices page: a new request appears by itself; reject", async () => {
    const second = await visitors.ask("Second device");
    await button(entry("Second device"), "Reject").click();
    await button(dialog, "Reject").click();
    await assert.rejects(second.hello(), /rejected/);
    await entry("Second device").waitFor({ state: "detached" });
  });

  await rows.works("Control UI", "Devices page: a node, and that it offers commands", async () => {
    await host.says(CONNECTED);
    await entry("Near node").getByText("connected", { exact: true }).waitFor();
    await entry("Near node").getByText("approval needed").waitFor();
  });

  await rows.works("Control UI", "Devices page: approve what a node offers", async () => {
    await choose("Near node", "Approve");
    await entry("Near node").getByText("approval needed").waitFor({ state: "detached" });
    await entry("Near node").getByRole("listitem").filter({ hasText: "System" }).waitFor();
    const { nodes } = await cli.json("nodes", "status");
    const node = nodes.find(({ displayName }) => displayName === "Near node");
    assert.equal(node.approvalState, "approved");
    assert(node.commands.includes("system.which"));
  });

  await rows.works("Control UI", "Devices page: no part of it reports an error", async () => {
    await page.reload();
    await entry("First device").waitFor();
    await page.getByText("Auto-allow skill CLIs").first().waitFor();
    assert.equal(await page.getByText(/unknown method|Load config to edit/).count(), 0);
  });

  await rows.works("Control UI", "Devices page: Edit alias", async () => {
    await choose("First device", "Edit alias");
    await dialog.getByRole("textbox").fill("Renamed device");
    await button(dialog, "Save").click();
    await entry("Renamed device").waitFor();
    assert.equal((await paired(gateway, first.id)).operatorLabel, "Renamed device");
  });

  await rows.works("Control UI", "Devices page: Remove", async () => {
    await choose("Renamed device", "Remove");
    await button(dialog, "Remove").click();
    await entry("Renamed device").waitFor({ state: "detached" });
    assert.match(await first.closed(), /^4001 /);
    assert.equal(await paired(gateway, first.id), undefined);
  });

  await rows.works("Control UI", "Pair device: its code lets `node run --pair` in, and it says so", async () => {
    await button(page, "Pair device").click();
    await dialog.getByText("Node host", { exact: true }).click();
    await button(dialog, "Create setup code").click();
    const command = await dialog.getByText("openclaw node run --pair").innerText();
    const code = /--pair "(oc-pair:\/\/[^"]+)"/.exec(command)[1];
    const joined = new Official().launch(["node", "run", "--pair", code, "--display-name", "Invited node"]);
    await joined.says(CONNECTED);
    await dialog.getByText(/Invited node/).waitFor();
    assert.equal((await pairedNamed(gateway, "Invited node")).approvedVia, "bootstrap");
    await joined.stop();
  });

  visitors.leave();
  await host.stop();
  await browser.close();
  await gateway.stop();
  server.stop();
}
