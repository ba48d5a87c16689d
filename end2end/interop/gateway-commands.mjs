// The commands of the official command line that ask how the gateway is.
import { Visitors } from "./devices.mjs";
import { assert } from "./expect.mjs";
import { startGateway } from "./gateway.mjs";
import { Official } from "./official.mjs";

export async function gatewayCommands(rows) {
  const gateway = await startGateway();
  const cli = Official.beside(gateway);
  const visitors = new Visitors(gateway);
  const { requestId } = await visitors.ask("Somebody who waits");
  const url = `ws://127.0.0.1:${gateway.port}`;

  await rows.works("CLI", "`gateway status --require-rpc`", async () => {
    const status = await cli.json("gateway", "status", "--require-rpc");
    assert.equal(status.rpc.ok, true);
    assert.equal(status.rpc.url, url);
  });

  await rows.works("CLI", "`gateway health`", async () => {
    assert.equal((await cli.json("gateway", "health")).ok, true);
    const { code, stdout } = await cli.run("gateway", "health");
    assert.equal(code, 0);
    assert.match(stdout, /^OK \(\d+ms\)$/m);
  });

  await rows.works("CLI", "`gateway probe`", async () => {
    const { ok, warnings, targets } = await cli.json("gateway", "probe");
    assert.equal(ok, true);
    assert.equal(targets.find((target) => target.url === url).connect.ok, true);
    // The probe shows no device key, and official gateways then let it read little.
    assert.deepEqual(warnings.filter(({ code }) => code !== "probe_scope_limited"), []);
  });

  await rows.works("CLI", "`gateway call <method>`", async () => {
    const { pending } = await cli.json("gateway", "call", "device.pair.list");
    assert.deepEqual(pending.map((request) => request.requestId), [requestId]);
  });

  await rows.works("CLI", "`gateway call` of a method that there is not", async () => {
    const { code, stdout, stderr } = await cli.run("gateway", "call", "no.such.method");
    assert.equal(code, 1);
    assert.match(stdout + stderr, /unknown method: no\.such\.method/);
  });

  await rows.works("CLI", "`gateway call health` with a wrong token", async () => {
    const { code, stdout, stderr } = await cli.run("gateway", "call", "health", "--url", url, "--token", "wrong");
    assert.equal(code, 1);
    assert.match(stdout + stderr, /gateway token mismatch/);
  });

  await rows.works("CLI", "`health`", async () => {
    assert.equal((await cli.json("health")).ok, true);
    const { code, stdout } = await cli.run("health");
    assert.equal(code, 0);
    assert.match(stdout, /^Gateway probe duration: \d+ms$/m);
  });

  await rows.works("CLI", "`status`", async () => {
    const status = await cli.json("status");
    assert.equal(status.gateway.reachable, true, JSON.stringify(status.gateway));
    assert.equal(status.gateway.error, null, JSON.stringify(status.gateway));
    const { code, stdout } = await cli.run("status");
    assert.equal(code, 0);
    assert(stdout.includes(url) && stdout.includes("reachable"), stdout);
  });

  await rows.works("CLI", "`logs`", async () => {
    const { code, stdout, stderr } = await cli.run("logs", "--json", "--limit", "50");
    assert.equal(code, 0, stderr);
    const [meta, ...records] = stdout.trim().split("\n").map((text) => JSON.parse(text));
    assert.equal(meta.type, "meta");
    // With this mark the lines would come from the client's own log file, because the gateway did not answer.
    assert.equal(meta.localFallback, undefined);
    assert(records.some(({ type, message }) => type === "log" && message), stdout);
    const messages = records.map(({ message }) => message);
    const own = gateway.records().map(({ message }) => message);
    assert(own.length > 0 && own.some((message) => messages.includes(message)), stdout);
  });

  await rows.differs(
    "CLI",
    "`config get <key>`, `config set <key> <value>`",
    "works on its own local state. It edits the settings file and never asks a gateway; ours reads that file when it changes",
    async () => {
      const { code } = await cli.run("config", "set", "gateway.controlUi.allowedOrigins", '["https://ours.example"]');
      assert.equal(code, 0);
      const { stdout } = await cli.run("config", "get", "gateway.controlUi.allowedOrigins", "--json");
      assert.deepEqual(JSON.parse(stdout), ["https://ours.example"]);
      const asked = await cli.json("gateway", "call", "config.get");
      assert(!JSON.stringify(asked).includes("https://ours.example"), "the gateway took over a setting of somebody else");
    },
  );

  visitors.leave();
  await gateway.stop();
}
