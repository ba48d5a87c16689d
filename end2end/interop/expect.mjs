// The words in which the scenarios say what has to be so.
import { setTimeout as pause } from "node:timers/promises";

export { default as assert } from "node:assert/strict";

/**
 * The official programs take seconds to start on an idle machine, and half a minute on one that builds something
 * meanwhile. This is longer than anything here takes. In milliseconds.
 */
const PATIENCE = 120_000;

/** Asks again and again until there is a truthy answer, and returns it. */
export async function soon(what, probe, patience = PATIENCE) {
  for (const deadline = Date.now() + patience; ; await pause(20)) {
    const answer = await probe();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
  }
}

/** What a promise brings, if it does so soon. */
export async function answer(what, promise) {
  const late = pause(PATIENCE).then(() => {
    throw new Error(`waited in vain for ${what}`);
  });
  return Promise.race([promise, late]);
}

/** How long something took, in milliseconds. */
export async function duration(work) {
  const started = Date.now();
  await work();
  return Date.now() - started;
}
