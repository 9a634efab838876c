/**
 * `deno task test`: every check and test in order, and one plain line at the end: `N passed, N failed, N skipped`. Each static check counts as one test.
 *
 * A stage that prints no count of its own has failed: silence never passes. With names as arguments only those stages run: `deno task test unit db`.
 *
 * @module
 */
import { dirname } from "@std/path";

/** One stage: a command, and whether its output ends in deno test's own count. */
interface Stage {
  readonly name: string;
  readonly args: readonly string[];
  readonly counts: boolean;
}

const TEST = ["test", "-A", "--quiet"];

const STAGES: readonly Stage[] = [
  { name: "fmt", args: ["fmt", "--check", "--quiet"], counts: false },
  { name: "lint", args: ["lint", "--quiet"], counts: false },
  { name: "check", args: ["task", "--quiet", "check"], counts: false },
  { name: "layers", args: ["run", "-A", "tools/check_layers.ts"], counts: false },
  { name: "mirror", args: ["run", "-A", "tools/check_tests.ts"], counts: false },
  { name: "kernels", args: ["task", "--quiet", "kernels", "--check"], counts: false },
  { name: "doc", args: [...TEST, "--doc", "src"], counts: true },
  {
    name: "unit",
    args: [...TEST, "--parallel", "tests/unit", "tests/golden", "tests/sequences", "tests/conformance"],
    counts: true,
  },
  { name: "properties", args: [...TEST, "tests/properties"], counts: true },
  { name: "db", args: [...TEST, "tests/db"], counts: true },
  { name: "kernel", args: [...TEST, "tests/kernel"], counts: true },
  { name: "e2e", args: [...TEST, "tests/e2e"], counts: true },
];

/** Passed, failed and skipped tests. */
export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Reads the count that `deno test` prints last; `undefined` when there is none.
 *
 * @example
 * ```ts
 * import { parseCount } from "./run_tests.ts";
 * const count = parseCount("ok | 12 passed (3 steps) | 0 failed | 1 ignored (8ms)");
 * if (count?.passed !== 12 || count.skipped !== 1) throw new Error();
 * ```
 */
export function parseCount(output: string): Count | undefined {
  const line = output.split("\n").reverse().find((text) => /^(ok|FAILED) \| \d+ passed/.test(text.trim()));
  if (line === undefined) return undefined;
  const number = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0);
  return { passed: number("passed"), failed: number("failed"), skipped: number("ignored") };
}

async function runStage(root: string, stage: Stage): Promise<Count> {
  const started = performance.now();
  console.log(`\n== ${stage.name}`);
  const child = new Deno.Command(Deno.execPath(), {
    args: [...stage.args],
    cwd: root,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const texts = await Promise.all([tee(child.stdout, Deno.stdout), tee(child.stderr, Deno.stderr)]);
  const { success } = await child.status;
  const count = stage.counts ? parseCount(texts[0]) : { passed: success ? 1 : 0, failed: success ? 0 : 1, skipped: 0 };
  console.log(
    `-- ${stage.name}: ${success ? "ok" : "FAILED"} in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  if (count === undefined) return { passed: 0, failed: 1, skipped: 0 };
  return success || count.failed > 0 ? count : { ...count, failed: 1 };
}

async function tee(stream: ReadableStream<Uint8Array>, to: { writeSync(data: Uint8Array): number }): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) at += to.writeSync(chunk.subarray(at));
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname!);
  const unknown = Deno.args.filter((name) => !STAGES.some((stage) => stage.name === name));
  if (unknown.length > 0) {
    console.error(`Stages must be among ${STAGES.map((stage) => stage.name).join(", ")}: "${unknown.join('", "')}"`);
    Deno.exit(2);
  }
  const wanted = STAGES.filter((stage) => Deno.args.length === 0 || Deno.args.includes(stage.name));
  const counts: Count[] = [];
  for (const stage of wanted) counts.push(await runStage(root, stage));
  const sum = (key: keyof Count) => counts.reduce((total, count) => total + count[key], 0);
  console.log(`\n${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
  Deno.exit(sum("failed") === 0 ? 0 : 1);
}
