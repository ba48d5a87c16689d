// Finishes the site that Trunk has just built. Trunk's own page goes, because the gateway renders every page itself;
// the bundle is split into what every visit needs and the parts that are fetched when they are first shown; a Brotli
// copy joins each file that gets smaller by it, so that the gateway never compresses while it serves.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const COMPRESSIBLE = new Set([".css", ".js", ".json", ".svg", ".wasm", ".webmanifest"]);
const LINK = "__wasm_split.js";
const site = process.env.TRUNK_STAGING_DIR;
const pkg = join(site, "pkg");
const isRelease = process.env.TRUNK_PROFILE === "release";

rmSync(join(site, "index.html"));
joinStyles();
split();
if (isRelease) compress();

// One style sheet is one request: main.css, and after it the others in the order of their names.
function joinStyles() {
  const styles = join(process.env.TRUNK_SOURCE_DIR, "../style");
  const others = readdirSync(styles).filter((name) => name !== "main.css").sort();
  const sheets = ["main.css", ...others].map((name) => readFileSync(join(styles, name), "utf8"));
  writeFileSync(join(pkg, "main.css"), sheets.join("\n"));
}

// What Trunk ran wasm-bindgen on is one piece; it is done again on the first of the split ones.
function split() {
  const target = process.env.CARGO_TARGET_DIR ?? join(process.env.TRUNK_SOURCE_DIR, "..", "target");
  const whole = join(target, "wasm32-unknown-unknown", isRelease ? "browser" : "debug", "app.wasm");
  const pieces = mkdtempSync(join(target, "pieces-"));
  try {
    run("wasm-split-cli", [whole, pieces, "--out-name", "app"]);
    const names = isRelease ? ["--remove-name-section", "--remove-producers-section"] : [];
    run("wasm-bindgen", [
      join(pieces, "app.wasm"), "--target", "web", "--out-dir", pkg, "--out-name", "app",
      "--no-typescript", "--keep-lld-exports", "--no-demangle", ...names,
    ]);
    // A part works with the bundle that it was cut from and no other, so it bears that one's name: a page of an
    // older gateway asks for a part that is not there, instead of running one that does not fit.
    const build = createHash("sha256").update(readFileSync(whole)).digest("hex").slice(0, 12);
    let link = readFileSync(join(pieces, LINK), "utf8");
    for (const name of readdirSync(pieces).filter((name) => extname(name) === ".wasm" && name !== "app.wasm")) {
      const named = name.replace(/\.wasm$/, `.${build}.wasm`);
      const part = readFileSync(join(pieces, name));
      writeFileSync(join(pkg, named), isRelease ? withoutCustomSections(part) : part);
      link = link.replaceAll(`"./${name}"`, `"./${named}"`);
    }
    writeFileSync(join(pkg, LINK), link);
  } finally {
    rmSync(pieces, { recursive: true });
  }
}

function run(program, args) {
  execFileSync(program, args, { stdio: ["ignore", "inherit", "inherit"] });
}

// A module without function names and the like, which wasm-bindgen removes from the first piece only. A module is
// eight bytes and then sections, each an id, its length as LEB128, and that many bytes; id 0 is a custom section.
function withoutCustomSections(module) {
  const kept = [module.subarray(0, 8)];
  for (let at = 8; at < module.length; ) {
    const start = at;
    const id = module[at++];
    let length = 0;
    for (let shift = 0, byte = 0x80; byte & 0x80; shift += 7) {
      byte = module[at++];
      length += (byte & 0x7f) * 2 ** shift;
    }
    at += length;
    if (id !== 0) kept.push(module.subarray(start, at));
  }
  return Buffer.concat(kept);
}

function compress() {
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
