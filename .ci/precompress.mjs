// Finishes the site that Trunk has just built. Trunk's own page goes, because the gateway renders every page itself;
// a Brotli copy joins each file that gets smaller by it, so that the gateway never compresses while it serves.
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const COMPRESSIBLE = new Set([".css", ".js", ".svg", ".wasm", ".webmanifest"]);
const site = process.env.TRUNK_STAGING_DIR;

rmSync(join(site, "index.html"));

if (process.env.TRUNK_PROFILE === "release") {
  for (const name of readdirSync(site, { recursive: true })) {
    if (!COMPRESSIBLE.has(extname(name))) continue;
    const plain = readFileSync(join(site, name));
    const brotli = brotliCompressSync(plain, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
      },
    });
    if (brotli.length < plain.length) writeFileSync(join(site, `${name}.br`), brotli);
  }
}
