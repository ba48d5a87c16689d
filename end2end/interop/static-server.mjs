// Serves the files of the official Control UI, as the web server of somebody who hosts them apart from the gateway would.
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { controlUiFolder } from "./packages.mjs";

const TYPES = {
  ".css": "text/css",
  ".js": "text/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

/** Starts it on a free port. Every path without a file extension is the page itself. */
export async function startStaticServer() {
  const index = servedIndex(readFileSync(join(controlUiFolder, "index.html"), "utf8"));
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, "http://localhost").pathname);
    const extension = extname(path);
    const file = join(controlUiFolder, path);
    if (!extension) response.setHeader("Content-Type", "text/html; charset=utf-8").end(index);
    else if (!existsSync(file)) response.writeHead(404).end("Not Found");
    else response.setHeader("Content-Type", TYPES[extension] ?? "application/octet-stream").end(readFileSync(file));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    // Browsers find this name on this machine and trust it, but the gateway only knows it by its settings.
    origin: `http://ui.localhost:${server.address().port}`,
    stop: () => server.close(),
  };
}

/** Tells the page where it lives, so that its deep links find their files. An official gateway does the same. */
function servedIndex(html) {
  const where = 'data-openclaw-control-ui-base-path="" data-openclaw-terminal-enabled="false"';
  return html.replace("<html ", `<html ${where} `).replaceAll('="./', '="/');
}
