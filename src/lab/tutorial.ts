/**
 * `deno task tutorial`: the founding document's tutorial, start to end, on a fresh lab: real kubectl, real kernels, real HTTP. Prints a report step by step and fails if
 * any cell of the table in `examples/tutorial/README.md` does not hold.
 *
 * @module
 */
import { dirname, join } from "@std/path";
import { CommandFailure, EXIT, type ExitCode } from "#/cli/exit_code.ts";
import type { Output } from "#/cli/output.ts";
import { labNamespaces } from "./fabric.ts";
import { findKubectl, runKubectl } from "./kubectl.ts";
import { LabApi } from "./lab_api.ts";
import { labDown, labRun, labUp, refuseSecondLab, requireRootForLab } from "./lab_commands.ts";
import type { LabPaths } from "./lab_paths.ts";
import { type LabState, readLabState } from "./lab_state.ts";
import { sandboxName } from "./kubelet.ts";
import { waitUntil } from "./processes.ts";

const EXAMPLES = join(dirname(dirname(import.meta.dirname!)), "examples", "tutorial");
const NAMESPACE = "quickstart";

/** Seconds after which an HTTP request counts as failed: denied packets are dropped, so nothing answers. */
const HTTP_TIMEOUT_S = "2";
const APPLIED_TIMEOUT_MS = 15_000;

interface Step {
  readonly title: string;
  /** File under examples/tutorial to apply. */
  readonly file?: string;
  readonly nginx: boolean;
  readonly outside: boolean;
}

const STEPS: readonly Step[] = [
  { title: "namespace quickstart; workloads nginx and access", nginx: true, outside: true },
  { title: "10-default-deny.yaml", file: "10-default-deny.yaml", nginx: false, outside: false },
  { title: "20-allow-busybox-egress.yaml", file: "20-allow-busybox-egress.yaml", nginx: false, outside: true },
  { title: "30-allow-nginx-ingress.yaml", file: "30-allow-nginx-ingress.yaml", nginx: true, outside: true },
];

interface Cast {
  readonly paths: LabPaths;
  readonly state: LabState;
  readonly kubectl: string;
  readonly output: Output;
  nginx: string;
  accessNetns: string;
}

/** Runs the tutorial on a fresh lab in `paths`; exit 0 only if every cell holds and nothing is left afterwards. */
export async function runTutorial(paths: LabPaths, output: Output): Promise<ExitCode> {
  requireRootForLab();
  const kubectl = findKubectl();
  if (kubectl === undefined) {
    throw new CommandFailure(
      "The tutorial needs kubectl: run `deno task setup`, or name one in KUBECTL",
      EXIT.notFound,
    );
  }
  refuseSecondLab(paths);
  const quiet: Output = { print: () => {}, note: output.note };
  output.print("The tutorial: real kubectl, real kernels, real HTTP, on a lab of 3 nodes");
  const wrong = await interruptibly(() => playAll(paths, kubectl, output), () => labDown(paths, quiet));
  const left = labNamespaces(paths);
  output.print(
    `step 4: clean-up\n    ${left.length === 0 ? "ok  " : "FAIL"} nothing of ours is left in any kernel${
      left.map((name) => ` ${name}`).join("")
    }`,
  );
  const failed = wrong + left.length;
  output.print(failed === 0 ? "Every cell of the table holds" : `${failed} cells of the table do not hold`);
  return failed === 0 ? EXIT.ok : EXIT.no;
}

/** Starts the lab and plays every step; returns how many cells do not hold. */
async function playAll(paths: LabPaths, kubectl: string, output: Output): Promise<number> {
  await labUp(paths, 3, { print: () => {}, note: output.note });
  const cast: Cast = { paths, state: readLabState(paths)!, kubectl, output, nginx: "", accessNetns: "" };
  let wrong = 0;
  for (const [number, step] of STEPS.entries()) wrong += await playStep(cast, number, step);
  return wrong;
}

const INTERRUPTS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs `work`, and `cleanUp` after it, also when a person or a supervisor interrupts it: the lab runs in a session of its own and would stay. */
async function interruptibly<T>(work: () => Promise<T>, cleanUp: () => Promise<unknown>): Promise<T> {
  const interrupted = Promise.withResolvers<never>();
  const stop = () => interrupted.reject(new CommandFailure("The tutorial was interrupted", EXIT.failed));
  for (const signal of INTERRUPTS) Deno.addSignalListener(signal, stop);
  try {
    return await Promise.race([work(), interrupted.promise]);
  } finally {
    await cleanUp();
    for (const signal of INTERRUPTS) Deno.removeSignalListener(signal, stop);
  }
}

async function playStep(cast: Cast, number: number, step: Step): Promise<number> {
  cast.output.print(`step ${number}: ${step.title}`);
  if (step.file === undefined) await setTheScene(cast);
  else await kubectlOrFail(cast, ["apply", "-f", join(EXAMPLES, step.file)]);
  await waitForNodes(cast);
  const cells = [
    { what: "HTTP nginx from access", url: `http://${cast.nginx}/`, expected: step.nginx },
    { what: "HTTP outside the cluster from access", url: cast.state.external.url, expected: step.outside },
  ];
  const results = await Promise.all(cells.map(async (cell) => ({ ...cell, works: await httpWorks(cast, cell.url) })));
  for (const { what, expected, works } of results) {
    cast.output.print(
      `    ${works === expected ? "ok  " : "FAIL"} ${what} ${works ? "works" : "fails"}${
        works === expected ? "" : `, expected: ${expected ? "works" : "fails"}`
      }`,
    );
  }
  return results.filter(({ works, expected }) => works !== expected).length;
}

async function setTheScene(cast: Cast): Promise<void> {
  const quiet: Output = { print: () => {}, note: () => {} };
  await kubectlOrFail(cast, ["create", "namespace", NAMESPACE]);
  await labRun(
    cast.paths,
    { name: "nginx", namespace: NAMESPACE, labels: { app: "nginx" }, http: 80, node: "node1" },
    quiet,
  );
  await labRun(cast.paths, { name: "access", namespace: NAMESPACE, labels: { run: "access" }, node: "node2" }, quiet);
  const { items } = await new LabApi(cast.state.api).list(`/api/v1/namespaces/${NAMESPACE}/pods`);
  const pod = (name: string) => items.find(({ metadata }) => metadata.name === name)!;
  cast.nginx = String(pod("nginx").status?.podIP);
  cast.accessNetns = cast.paths.netns(sandboxName(pod("access").metadata.uid!));
  cast.output.print(`    nginx runs on node1 at ${cast.nginx}, access on node2 at ${pod("access").status?.podIP}`);
}

async function kubectlOrFail(cast: Cast, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runKubectl(cast.kubectl, cast.paths.kubeconfig, args);
  if (code !== 0) throw new CommandFailure(`kubectl ${args.join(" ")} failed: ${stderr.trim()}`, EXIT.failed);
  cast.output.print(`    $ kubectl ${args.join(" ")}\n    ${stdout.trim()}`);
}

/** Waits until every node's kernel shows the head of the log: the change is in force everywhere. */
async function waitForNodes(cast: Cast): Promise<void> {
  const api = new LabApi(cast.state.api);
  const { head } = await api.call("GET", "/tortie/v1/nodes") as { head: number };
  await waitUntil(`all nodes to apply position ${head}`, APPLIED_TIMEOUT_MS, async () => {
    const { nodes } = await api.call("GET", "/tortie/v1/nodes") as { nodes: readonly { applied: number | null }[] };
    return nodes.every(({ applied }) => applied !== null && applied >= head);
  });
}

async function httpWorks(cast: Cast, url: string): Promise<boolean> {
  const { success } = await new Deno.Command("nsenter", {
    args: [`--net=${cast.accessNetns}`, "busybox", "timeout", HTTP_TIMEOUT_S, "busybox", "wget", "-q", "-O", "-", url],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}
