// `openclaw devices …` of the official command line, beside our gateway. The devices themselves are ours.
import { Visitors } from "./devices.mjs";
import { assert, soon } from "./expect.mjs";
import { paired, startGateway } from "./gateway.mjs";
import { Official } from "./official.mjs";

export async function deviceCommands(rows) {
  const gateway = await startGateway();
  const cli = Official.beside(gateway);
  const visitors = new Visitors(gateway);
  const first = await visitors.ask("First device");
  const second = await visitors.ask("Second device");

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
    assert.equal(device.deviceId, first.id);
    assert.equal((await first.hello()).auth.role, "operator");
    assert.deepEqual((await paired(gateway, first.id)).scopes, ["operator.read"]);
  });

  await rows.works("CLI", "`devices reject <requestId>`", async () => {
    assert.equal((await cli.json("devices", "reject", second.requestId)).deviceId, second.id);
    assert.deepEqual((await gateway.list()).pending, []);
    await assert.rejects(second.hello(), /rejected/);
  });

  await rows.works("CLI", "`devices rename --device <id> --name <label>`", async () => {
    await cli.json("devices", "rename", "--device", first.id, "--name", "Renamed device");
    assert.equal((await paired(gateway, first.id)).operatorLabel, "Renamed device");
    assert((await cli.run("devices", "list")).stdout.includes("Renamed device"));
  });

  await rows.works("CLI", "`devices rotate --device <id> --role operator`", async () => {
    const [before] = (await paired(gateway, first.id)).tokens;
    const answer = await cli.json("devices", "rotate", "--device", first.id, "--role", "operator");
    assert.equal(answer.tokenDelivery, "withheld-cross-device");
    assert.equal(answer.token, undefined);
    const [after] = (await paired(gateway, first.id)).tokens;
    assert(after.rotatedAtMs > (before.rotatedAtMs ?? 0));
    assert.match(await first.closed(), /^4001 /);
  });

  await rows.works("CLI", "`devices revoke --device <id> --role operator`", async () => {
    const answer = await cli.json("devices", "revoke", "--device", first.id, "--role", "operator");
    assert.equal(answer.role, "operator");
    const [token] = (await paired(gateway, first.id)).tokens;
    assert.equal(token.revokedAtMs, answer.revokedAtMs);
  });

  await rows.works("CLI", "`devices remove <id>`", async () => {
    assert.equal((await cli.json("devices", "remove", first.id)).deviceId, first.id);
    assert.equal(await paired(gateway, first.id), undefined);
  });

  await rows.works("CLI", "`devices remove <id>` of a device that there is not", async () => {
    const { code, stderr } = await cli.run("devices", "remove", first.id);
    assert.equal(code, 1);
    assert.match(stderr, /unknown deviceId/);
  });

  await rows.works("CLI", "`devices clear --yes --pending`", async () => {
    const third = await visitors.ask("Third device");
    const fourth = await visitors.ask("Fourth device");
    await gateway.shell(`openclaw devices approve ${third.requestId}`);
    await third.hello();
    const answer = await cli.json("devices", "clear", "--yes", "--pending");
    assert.deepEqual(answer.removedDevices, [third.id]);
    assert.deepEqual(answer.rejectedPending, [fourth.requestId]);
    await soon("everybody is gone", async () => {
      const { pending, paired } = await gateway.list();
      return pending.length === 0 && paired.length === 0;
    });
  });

  visitors.leave();
  await gateway.stop();
}
