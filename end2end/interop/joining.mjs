// One-time codes: a new machine joins as a node by a link, and the codes that only the official state knows.
import { assert, soon } from "./expect.mjs";
import { pairedNamed, startGateway } from "./gateway.mjs";
import { Official } from "./official.mjs";

const REFUSED = /setup code invalid, expired, revoked, or already used/;

export async function joining(rows) {
  const gateway = await startGateway();
  const cli = Official.beside(gateway);
  const machine = new Official();
  let host;

  const joinUrl = await rows.works("CLI", "`devices join-code`", async () => {
    const answer = await cli.json("devices", "join-code");
    assert.match(answer.joinUrl, new RegExp(`^http://127\\.0\\.0\\.1:${gateway.port}/j/[A-Za-z0-9_-]{22}$`));
    assert.equal(answer.command, `npx openclaw connect ${answer.joinUrl}`);
    return answer.joinUrl;
  });

  await rows.works("node host", "`connect <joinUrl>`", async () => {
    assert(joinUrl, "there is no link");
    host = machine.launch(["connect", joinUrl, "--display-name", "Joined machine"]);
    await host.says(/gateway connected/);
    const device = await pairedNamed(gateway, "Joined machine");
    assert.deepEqual(device.roles, ["node"]);
    assert.equal(device.approvedVia, "bootstrap");
  });

  await rows.works("node host", "after `connect`: its commands are approved with it", async () => {
    const node = await soon("the node offers its commands", async () => {
      const { nodes } = await cli.json("nodes", "status");
      return nodes.find(({ displayName, commands }) => displayName === "Joined machine" && commands.length > 0);
    });
    assert.equal(node.approvalState, "approved");
    assert(node.commands.includes("system.which"));
  });

  await rows.works("node host", "`connect <joinUrl>` a second time is refused", async () => {
    assert(joinUrl, "there is no link");
    const { code, stdout, stderr } = await new Official().run("connect", joinUrl);
    assert.equal(code, 1);
    assert.match(stdout + stderr, /join code was not found or has expired/);
  });

  await rows.works("node host", "after `connect`: `node run` with the stored token", async () => {
    assert(host, "it never joined");
    await host.stop();
    host = machine.nodeHost(gateway.port, "Joined machine");
    await host.says(/gateway connected/);
    assert.equal((await pairedNamed(gateway, "Joined machine")).connected, true);
  });

  await rows.differs(
    "CLI",
    "`qr`",
    "works on its own local state. It puts the code into the database of an official gateway and never asks ours, which refuses it",
    async () => {
      const owner = Official.beside(gateway, {
        plugins: { entries: { "device-pair": { config: { publicUrl: `ws://127.0.0.1:${gateway.port}` } } } },
      });
      const { setupCode, gatewayUrl } = await owner.json("qr");
      assert.equal(gatewayUrl, `ws://127.0.0.1:${gateway.port}`);
      const { code, stdout, stderr } = await new Official().run("connect", setupCode);
      assert.equal(code, 1);
      assert.match(stdout + stderr, REFUSED);
    },
  );

  await host?.stop();
  await gateway.stop();
}
