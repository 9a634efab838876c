/**
 * `deno task bench [NAME...]`: runs the benches one at a time, each in a process of its own, and prints one table of all their rows. Every bench checks that both sides
 * give the same answer before it measures.
 *
 * Options: `--list` names the benches; `--quick` runs them small, to see that they work; `--json` prints the rows for scripts.
 *
 * @module
 */
import { join } from "@std/path";
import { type BenchLine, type BenchRow, formatTable } from "./support/rows.ts";

/** A bench: a file of this folder. */
interface Bench {
  readonly name: string;
  readonly about: string;
}

const BENCHES: readonly Bench[] = [
  { name: "append", about: "durable appends with 1 and 16 writers, beside a plain INSERT" },
  { name: "replay", about: "the state folded from the first event, beside a cursor that drops the rows" },
  { name: "selector", about: "the selector kernel and the label index, beside a naive evaluator" },
  { name: "projection", about: "node states of 100,000 tenants: time and heap" },
  { name: "projection_labels", about: "the label index at the sizes of Calico's own benchmarks" },
  { name: "verdict", about: "WebAssembly, beside the IR interpreter, the oracle and a plain walk" },
  { name: "verdict_state", about: "10,000 policies compiled, one edited; a million flows judged under another state" },
  { name: "policy_effect", about: "policy POST to its effect in the kernel, in a lab (root)" },
  { name: "memory", about: "resident memory of an idle server and agent, in a lab (root)" },
  { name: "cni_add", about: "CNI ADD in a lab (root), beside Debian's ptp and host-local where they are installed" },
];

const OPTIONS = ["--list", "--quick", "--json"];

/** Longest run of one bench; it is then stopped and counts as failed. */
const BENCH_MS_MAX = 120_000;

/** What became of one bench. */
interface Outcome {
  readonly rows: readonly BenchRow[];
  readonly skipped: readonly string[];
  readonly failed: boolean;
}

async function runOne({ name }: Bench, options: readonly string[]): Promise<Outcome> {
  const file = join(import.meta.dirname!, `${name}.ts`);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", file, "--json", ...options],
    env: { DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const stop = () => child.kill("SIGTERM");
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, stop);
  const timer = setTimeout(stop, BENCH_MS_MAX);
  const { success, stdout } = await child.output();
  clearTimeout(timer);
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, stop);
  const texts = new TextDecoder().decode(stdout).split("\n").filter((text) => text !== "");
  const lines = texts.map((text) => JSON.parse(text) as BenchLine);
  return {
    rows: lines.flatMap((line) => line.kind === "row" ? [line.row] : []),
    skipped: lines.flatMap((line) => line.kind === "skipped" ? [`${name} skipped: ${line.reason}`] : []),
    failed: !success,
  };
}

/** Who reads the figures must know on what they were taken, and what else went on. */
function machine(loadBefore: number): string {
  const load = `load ${loadBefore.toFixed(1)} before and ${Deno.loadavg()[0]!.toFixed(1)} after`;
  return `${navigator.hardwareConcurrency} cores, ${load}, Linux ${Deno.osRelease()}, Deno ${Deno.version.deno}`;
}

async function main(args: readonly string[]): Promise<number> {
  const [options, names] = [args.filter((arg) => arg.startsWith("-")), args.filter((arg) => !arg.startsWith("-"))];
  const unknown = [
    ...options.filter((option) => !OPTIONS.includes(option)),
    ...names.filter((name) => !BENCHES.some((bench) => bench.name === name)),
  ];
  if (unknown.length > 0) {
    console.error(`Argument is neither a bench nor an option: "${unknown.join('", "')}" (--list names the benches)`);
    return 2;
  }
  if (options.includes("--list")) {
    for (const { name, about } of BENCHES) console.log(`${name.padEnd(14)} ${about}`);
    return 0;
  }
  const rows: BenchRow[] = [];
  const remarks: string[] = [];
  const loadBefore = Deno.loadavg()[0]!;
  let failures = 0;
  for (const bench of BENCHES.filter(({ name }) => names.length === 0 || names.includes(name))) {
    console.error(`== ${bench.name}: ${bench.about}`);
    const outcome = await runOne(bench, options.filter((option) => option === "--quick"));
    rows.push(...outcome.rows);
    remarks.push(...outcome.skipped);
    if (outcome.failed) remarks.push(`${bench.name} FAILED`);
    failures += outcome.failed ? 1 : 0;
  }
  if (options.includes("--json")) {
    console.log(JSON.stringify({ machine: machine(loadBefore), rows, remarks }, undefined, 2));
  } else console.log([`\n${machine(loadBefore)}`, formatTable(rows), ...remarks].join("\n"));
  return failures === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
