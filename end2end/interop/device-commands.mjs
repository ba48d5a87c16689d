// `openclaw devices …` of the official command line, beside our gateway. The devices themselves are ours.
import { Device } from "../support/device.mjs";
import { assert, soon } from "./expect.mjs";
import { paired, startGateway } from "./gateway.mjs";
import { Official } from "./official.mjs";

export async function deviceCommands(rows) {
  const gateway = await startGateway();
  const cli = Official.beside(gateway);
  const lines = [];

  /** A device that asks and waits. */
  const ask = async (name) => {
    const device = new Device(name);
    const line = device.connect(gateway.port);
    lines.push(line);
    return { device, line, requestId: (await line.pending).requestId };
  };

  const first = await ask("First device");
  const second = await ask("Second device");

  await rows.works("CLI", "`devices list`", async () => {
    const list = await cli.json("devices", "list");
    const ids = (requests) => requests.map(({ requestId }) => requestId).sort();
    assert.deepEqual(ids(list.pending), ids((await gateway.list()).pending));
    assert.deepEqual(ids(list.pending), [first.requestId, second.requestId].sort());
    const { code, stdout } = await cli.run("devices", "list");
    assert.equal(code, 0);
    assert(stdout.includes("Pending (2)") && stdout.includes("First device"), stdout);
  });

  await rows.works("CLI", "`devices approve <requestId>`", async () => {
    const { device } = await cli.json("devices", "approve", first.requestId);
    assert.equal(device.deviceId, first.device.id);
    assert.equal((await first.line.hello).auth.role, "operator");
    assert.deepEqual((await paired(gateway, first.device.id)).scopes, ["operator.read"]);
  });

  await rows.works("CLI", "`devices reject <requestId>`", async () => {
    assert.equal((await cli.json("devices", "reject", second.requestId)).deviceId, second.device.id);
    assert.deepEqual((await gateway.list()).pending, []);
    await assert.rejects(second.line.hello, /rejected/);
  });

  await rows.works("CLI", "`devices rename --device <id> --name <label>`", async () => {
    await cli.json("devices", "rename", "--device", first.device.id, "--name", "Renamed device");
    assert.equal((await paired(gateway, first.device.id)).operatorLabel, "Renamed device");
    assert((await cli.run("devices", "list")).stdout.includes("Renamed device"));
  });

  await rows.works("CLI", "`devices rotate --device <id> --role operator`", async () => {
    const [before] = (await paired(gateway, first.device.id)).tokens;
    const answer = await cli.json("devices", "rotate", "--device", first.device.id, "--role", "operator");
    assert.equal(answer.tokenDelivery, "withheld-cross-device");
    assert.equal(answer.token, undefined);
    const [after] = (await paired(gateway, first.device.id)).tokens;
    assert(after.rotatedAtMs > (before.rotatedAtMs ?? 0));
    assert.match(await first.line.closed, /^4001 /);
  });

  await rows.works("CLI", "`devices revoke --device <id> --role operator`", async () => {
    const answer = await cli.json("devices", "revoke", "--device", first.device.id, "--role", "operator");
    assert.equal(answer.role, "operator");
    const [token] = (await paired(gateway, first.device.id)).tokens;
    assert.equal(token.revokedAtMs, answer.revokedAtMs);
  });

  await rows.works("CLI", "`devices remove <id>`", async () => {
    assert.equal((await cli.json("devices", "remove", first.device.id)).deviceId, first.device.id);
    assert.equal(await paired(gateway, first.device.id), undefined);
  });

  await rows.works("CLI", "`devices remove <id>` of a device that there is not", async () => {
    const { code, stderr } = await cli.run("devices", "remove", first.device.id);
    assert.equal(code, 1);
    assert.match(stderr, /unknown deviceId/);
  });

  await rows.works("CLI", "`devices clear --yes --pending`", async () => {
    const third = await ask("Third device");
    const fourth = await ask("Fourth device");
    await gateway.shell(`openclaw devices approve ${third.requestId}`);
    await third.line.hello;
    const answer = await cli.json("devices", "clear", "--yes", "--pending");
    assert.deepEqual(answer.removedDevices, [third.device.id]);
    assert.deepEqual(answer.rejectedPending, [fourth.requestId]);
    await soon("everybody is gone", async () => {
      const { pending, paired } = await gateway.list();
      return pending.length === 0 && paired.length === 0;
    });
  });

  for (const line of lines) line.socket.terminate();
  await gateway.stop();
}
