// Drives the official clients against the finished program and writes down what came of it. `make interop` calls this.
import { report } from "./environment.mjs";
import { writeFileSync } from "node:fs";
import { controlUi } from "./control-ui.mjs";
import { deviceCommands } from "./device-commands.mjs";
import { gatewayCommands } from "./gateway-commands.mjs";
import { joining } from "./joining.mjs";
import { nodeHost } from "./node-host.mjs";
import { installPackages } from "./packages.mjs";
import { explain, Rows, toMarkdown } from "./table.mjs";

// This is their order in the report.
const scenarios = [gatewayCommands, deviceCommands, joining, nodeHost, controlUi];

// Scenarios of one lane follow each other. More lanes than processors only make everybody wait.
const lanes = [[nodeHost, gatewayCommands], [deviceCommands, controlUi], [joining]];

// A run that hangs is broken as well.
const LONGEST = 10 * 60_000;

installPackages();
const started = Date.now();
setTimeout(() => {
  console.error("It took too long.");
  process.exit(1);
}, LONGEST).unref();

const results = new Map(scenarios.map((scenario) => [scenario, new Rows()]));
await Promise.all(
  lanes.map(async (lane) => {
    for (const scenario of lane) await scenario(results.get(scenario));
  }),
);
const rows = [...results.values()].flatMap(({ list }) => list);
writeFileSync(report, toMarkdown(rows));
const failures = explain(rows);
console.error(`It took ${Math.round((Date.now() - started) / 1000)} seconds. The table is in docs/interop.md.`);
process.exit(failures ? 1 : 0);
