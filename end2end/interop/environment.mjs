// What the run takes from outside. It has to be imported first: the gateway of the tests reads `OPENCLAW` when it loads.
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const checkout = fileURLToPath(new URL("../..", import.meta.url));

/** Where the official packages are kept between runs. */
export const scratch = join(checkout, "target/interop");

/** The page that the run writes. */
export const report = join(checkout, "docs/interop.md");

if (process.env.OPENCLAW_BIN) process.env.OPENCLAW = resolve(process.env.OPENCLAW_BIN);
