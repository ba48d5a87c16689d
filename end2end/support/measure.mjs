// What a process costs, as Linux counts it.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"]));

/** Processor time a process has used so far, in milliseconds, its threads and the kernel on its behalf included. */
export function processorMs(pid) {
  // The name in brackets may hold spaces; utime and stime are the 12th and 13th field behind it.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop().split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

/** Memory of a process in KB: `VmRSS` is what it holds now, `VmHWM` the most it ever held. */
export function memoryKb(pid, what = "VmRSS") {
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
}

/** Processor time of a process per repetition of `work`, in milliseconds. */
export async function processorMsPer(pid, repetitions, work) {
  const before = processorMs(pid);
  for (let i = 0; i < repetitions; i++) await work(i);
  return (processorMs(pid) - before) / repetitions;
}

/** The middle of several measurements of one thing. */
export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** What `percent` of the measurements do not exceed. */
export function percentile(numbers, percent) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)];
}

/** The median of `count` runs of `measure`. */
export async function medianOf(count, measure) {
  const results = [];
  while (results.length < count) results.push(await measure());
  return median(results);
}

/** Does `work` for each item, at most `width` at a time. */
export async function inParallel(width, items, work) {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
