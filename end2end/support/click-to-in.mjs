// From the owner's click on Approve to the phone's connected screen, on one timeline: both pages are in one browser.
import { cards, decide, untilState } from "./browser.mjs";

/** Approves the waiting phone and returns how long it took, in milliseconds. */
export async function measureClickToIn(owner, phone) {
  await owner.evaluate(() => {
    const note = () => (window.clickedAt = performance.timeOrigin + performance.now());
    addEventListener("click", note, { capture: true, once: true });
  });
  await decide(cards(owner), "approve");
  await untilState(phone, "connected");
  const clickedAt = await owner.evaluate(() => window.clickedAt);
  const inAt = await phone.evaluate(
    () => performance.timeOrigin + performance.getEntriesByName("openclaw:connected")[0].startTime,
  );
  return inAt - clickedAt;
}
