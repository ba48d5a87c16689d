// What nodes cost: a command there and back, and telling everyone that one was approved.
import { connectProgram } from "./device.mjs";
import { inParallel, processorMsPer } from "./measure.mjs";
import { Node } from "./node.mjs";

/** Fewer than the gateway lets one address have before they say who they are. */
const AT_ONCE = 16;

/** The gateway's processor time for one `node.invoke`, in milliseconds: both ends' frames, in and out. */
export async function measureInvoke(gateway, count) {
  const operator = connectProgram(gateway.port, gateway.token);
  await operator.hello;
  const node = new Node("Bench");
  const line = node.connect(gateway.port, { token: gateway.token });
  await line.hello;
  await operator.call("node.pair.approve", { requestId: await waitingId(operator, node) });
  const invoke = (i) =>
    operator.call("node.invoke", {
      nodeId: node.id,
      command: "system.which",
      params: { bins: ["bash"] },
      idempotencyKey: String(i),
    });
  await processorMsPer(gateway.pid, 200, invoke);
  const cost = await processorMsPer(gateway.pid, count, invoke);
  await line.close();
  await operator.close();
  return cost;
}

/** How long it takes from sending an approval to each operator having heard of it, in milliseconds. */
export async function measureFanOut(gateway, { nodes, operators, approvals }) {
  const lines = [];
  const devices = Array.from({ length: nodes }, (_, i) => new Node(`Bench ${i}`));
  await inParallel(AT_ONCE, devices, async (node) => {
    const line = node.connect(gateway.port, { token: gateway.token });
    await line.hello;
    lines.push(line);
  });
  const watchers = [];
  await inParallel(AT_ONCE, Array(operators).fill(), async () => {
    const watcher = connectProgram(gateway.port, gateway.token);
    await watcher.hello;
    watchers.push(watcher);
  });
  const [approver] = watchers;
  const took = [];
  for (const node of devices.slice(0, approvals)) {
    const requestId = await waitingId(approver, node);
    let started;
    const heard = watchers.map(
      (watcher) =>
        new Promise((resolve) => {
          watcher.on("node.pair.resolved", () => {
            took.push(performance.now() - started);
            resolve();
          });
        }),
    );
    started = performance.now();
    approver.call("node.pair.approve", { requestId });
    await Promise.all(heard);
  }
  await Promise.all([...lines, ...watchers].map((line) => line.close()));
  return { nodes: lines.length, operators: watchers.length, took };
}

/** The id under which what a node offers waits. */
async function waitingId(operator, node) {
  const { pending } = await operator.call("node.pair.list");
  return pending.find(({ nodeId }) => nodeId === node.id).requestId;
}
