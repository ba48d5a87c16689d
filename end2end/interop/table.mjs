// The rows of the report. Each is one command of one client, and what came of it.
import { OPENCLAW_VERSION } from "./packages.mjs";

const CLIENTS = ["CLI", "node host", "Control UI"];

/** The rows of one scenario, in the order in which it happens. */
export class Rows {
  list = [];

  /** A command that has to work: `check` throws when it does not. Returns what `check` returns. */
  works(client, command, check) {
    return this.#add({ client, command, result: "works" }, check);
  }

  /** A command that officially does something else than asking this gateway. `check` shows that it is so. */
  differs(client, command, reason, check) {
    return this.#add({ client, command, result: `differs: ${reason}` }, check);
  }

  async #add(row, check) {
    this.list.push(row);
    const started = Date.now();
    try {
      return await check();
    } catch (error) {
      row.failure = error;
    } finally {
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      console.error(`${row.failure ? "FAILS" : "ok   "} ${row.client}: ${row.command} (${seconds} s)`);
    }
  }
}

/** The page: the same text from every run that comes out the same. */
export function toMarkdown(rows) {
  const lines = CLIENTS.flatMap((client) => rows.filter((row) => row.client === client)).map(
    ({ client, command, result, failure }) => `| ${client} | ${command} | ${failure ? "does not work" : result} |`,
  );
  return `# Official clients

*Written by \`make interop\`, which drives the unmodified clients of the npm package \`openclaw@${OPENCLAW_VERSION}\` against the
finished program and looks at their answers, their exit codes, and what became of it in the gateway.*

| client | what it does | result |
|---|---|---|
${lines.join("\n")}
`;
}

/** Says what is wrong with every row that is not as it should be. Returns how many there are. */
export function explain(rows) {
  const failures = rows.filter((row) => row.failure);
  for (const { client, command, failure } of failures) {
    console.error(`\n${client}: ${command}\n${failure.stack ?? failure}`);
  }
  console.error(`\n${rows.length - failures.length} of ${rows.length} rows are as they should be.`);
  return failures.length;
}
