// What the first visit costs: requests and bytes over the wire, headers included, until the page has said what it is.
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
