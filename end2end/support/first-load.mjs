// What the page costs over the wire: requests and bytes of the first visit, headers included, until the page has said
// what it is; and the parts that come later.
import { get } from "node:http";
import { openDesktop, untilState } from "./browser.mjs";

/** Loads `url` in a new profile until it reaches `state`. */
export async function measureFirstLoad(browser, url, state) {
  const { context, page } = await openDesktop(browser);
  const devtools = await context.newCDPSession(page);
  const load = { requests: [], bytes: 0 };
  devtools.on("Network.requestWillBeSent", ({ request }) => load.requests.push(request.url));
  devtools.on("Network.loadingFinished", ({ encodedDataLength }) => (load.bytes += encodedDataLength));
  await devtools.send("Network.enable");
  await page.goto(url, { waitUntil: "networkidle" });
  await untilState(page, state);
  const firstPaintMs = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  await context.close();
  return { ...load, firstPaintMs };
}

/** The parts of the bundle that are fetched when they are first shown, and their bytes over the wire. */
export async function laterParts(origin) {
  const link = await (await fetch(`${origin}/pkg/__wasm_split.js`)).text();
  const names = [...new Set([...link.matchAll(/"\.\/([^"]+\.wasm)"/g)].map(([, name]) => name))];
  return Promise.all(names.map(async (name) => ({ name, bytes: await bytesOf(`${origin}/pkg/${name}`) })));
}

function bytesOf(url) {
  return new Promise((resolve, reject) => {
    get(url, { headers: { "accept-encoding": "br" } }, (response) => {
      let bytes = 0;
      response.on("data", (chunk) => (bytes += chunk.length));
      response.on("end", () =>
        response.statusCode === 200 ? resolve(bytes) : reject(new Error(`${url}: ${response.statusCode}`)),
      );
    }).on("error", reject);
  });
}
