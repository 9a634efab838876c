/**
 * Resident memory of an idle server (without its Postgres) and of idle agents, in a lab of three nodes, some seconds after everything is level and nothing
 * grows any more. What is resident holds some 45 MB of the runtime's own program, which all processes of a machine share.
 *
 *     deno run -A benches/memory.ts [--quick]
 *
 * @module
 */
import { waitUntil } from "#/lab/processes.ts";
import { type BenchLab, waitUntilLevel, withBenchLab } from "./support/bench_lab.ts";
import { type BenchOptions, type BenchRow, runBench } from "./support/rows.ts";

const MEGABYTE = 2 ** 20;
/** Limits, in megabytes. */
const SERVER_MB_MAX = 150;
const AGENT_MB_MAX = 80;

/** Memory counts as settled when it has changed by less than this between two looks, so many times in a row. */
const SETTLED_MB = 0.5;
const SETTLED_LOOKS = 3;
const LOOK_INTERVAL_MS = 2_000;
const QUICK_LOOK_INTERVAL_MS = 200;
const SETTLE_TIMEOUT_MS = 45_000;

/** Memory of one process, in megabytes. `ownMb` leaves out what is backed by files. */
interface Memory {
  readonly residentMb: number;
  readonly ownMb: number;
}

function memoryOf(pid: number): Memory {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024 / MEGABYTE;
  return { residentMb: field("VmRSS"), ownMb: field("RssAnon") };
}

/** The server's process: the one that was started with the lab's socket to serve on. */
function serverPid({ paths }: BenchLab): number {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    try {
      const words = Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0");
      if (words.includes("serve") && words.includes(paths.serverSocket)) return Number(name);
    } catch {
      // It ended while we looked.
    }
  }
  throw new Error(`Server of the lab must run: "${paths.serverSocket}"`);
}

async function settled(pids: readonly number[], intervalMs: number): Promise<Memory[]> {
  let last = pids.map(memoryOf);
  let quiet = 0;
  await waitUntil("memory to settle", SETTLE_TIMEOUT_MS, async () => {
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
    const now = pids.map(memoryOf);
    const isQuiet = now.every(({ residentMb }, at) => Math.abs(residentMb - last[at]!.residentMb) < SETTLED_MB);
    quiet = isQuiet ? quiet + 1 : 0;
    last = now;
    return quiet >= SETTLED_LOOKS;
  });
  return last;
}

function row(bench: string, { residentMb, ownMb }: Memory, limitMb: number): BenchRow {
  return {
    bench: `memory: ${bench}`,
    ours: `${residentMb.toFixed(0)} MB, ${ownMb.toFixed(0)} of it its own`,
    target: { text: `<= ${limitMb} MB`, met: residentMb <= limitMb },
    values: { residentMb, ownMb },
  };
}

async function memoryBench({ quick }: BenchOptions): Promise<BenchRow[]> {
  return await withBenchLab(async (lab) => {
    await waitUntilLevel(lab);
    const pids = [serverPid(lab), ...lab.state.nodes.map(({ pid }) => pid)];
    const [server, ...agents] = await settled(pids, quick ? QUICK_LOOK_INTERVAL_MS : LOOK_INTERVAL_MS);
    const largest = agents.reduce((most, one) => one.residentMb > most.residentMb ? one : most);
    return [
      row("idle server, without Postgres", server!, SERVER_MB_MAX),
      row(`idle agent, largest of ${agents.length}`, largest, AGENT_MB_MAX),
    ];
  });
}

if (import.meta.main) await runBench(memoryBench);
