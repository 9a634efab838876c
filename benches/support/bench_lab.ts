/**
 * A lab for the time of a bench, in a directory of its own under /tmp, taken down whatever happens.
 *
 * @module
 */
import type { Output } from "#/cli/output.ts";
import { LabApi } from "#/lab/lab_api.ts";
import { labDown, labRun, type LabRunRequest, labUp } from "#/lab/lab_commands.ts";
import { type LabPaths, labPaths } from "#/lab/lab_paths.ts";
import { type LabState, readLabState } from "#/lab/lab_state.ts";
import { waitUntil } from "#/lab/processes.ts";
import { sandboxName } from "#/lab/kubelet.ts";
import type { KubeObject } from "#/resources/object.ts";
import { skipReason } from "#tests/support/requires.ts";
import { BenchSkipped } from "./rows.ts";

/** A lab that is up. */
export interface BenchLab {
  readonly paths: LabPaths;
  readonly state: LabState;
  readonly api: LabApi;
}

/** A Pod that runs in the lab. */
export interface BenchPod {
  readonly address: string;
  /** File of its network namespace. */
  readonly netns: string;
}

/** Where the benches' namespaced objects live. */
export const BENCH_NAMESPACE = "bench";

const NODES = 3;
const LEVEL_TIMEOUT_MS = 15_000;
/** What a shell says of a program that SIGINT ended. */
const EXIT_INTERRUPTED = 130;
const QUIET: Output = { print: () => {}, note: () => {} };

/** Runs `body` on a fresh lab of three nodes with an empty namespace `bench`; skips where there can be no lab. */
export async function withBenchLab<T>(body: (lab: BenchLab) => Promise<T>): Promise<T> {
  const reason = skipReason(["root", "nftables", "bird", "busybox", "nsenter"]);
  if (reason !== undefined) throw new BenchSkipped(reason);
  const paths = labPaths(`/tmp/tortie-bench-${Deno.pid}`);
  let down: Promise<unknown> | undefined;
  // Once, also when it is interrupted while it ends by itself.
  const takeDown = () => down ??= labDown(paths, QUIET);
  const interrupted = () => void takeDown().finally(() => Deno.exit(EXIT_INTERRUPTED));
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, interrupted);
  try {
    await labUp(paths, NODES, QUIET);
    const state = readLabState(paths)!;
    const lab = { paths, state, api: new LabApi(state.api, "bench") };
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: BENCH_NAMESPACE } };
    await lab.api.call("POST", "/api/v1/namespaces", namespace);
    return await body(lab);
  } finally {
    await takeDown();
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, interrupted);
  }
}

/** Starts a Pod in the bench's namespace and waits until all nodes reach it. */
export async function runPod(
  { paths, api }: BenchLab,
  request: Pick<LabRunRequest, "name" | "node" | "labels">,
): Promise<BenchPod> {
  await labRun(paths, { ...request, namespace: BENCH_NAMESPACE }, QUIET);
  const path = `/api/v1/namespaces/${BENCH_NAMESPACE}/pods/${request.name}`;
  const { metadata, status } = await api.call("GET", path) as unknown as KubeObject;
  return { address: String(status?.podIP), netns: paths.netns(sandboxName(metadata.uid!)) };
}

/** Waits until the kernel of every node shows the head of the log, without errors. */
export async function waitUntilLevel({ api }: BenchLab): Promise<void> {
  await waitUntil("all nodes to be level", LEVEL_TIMEOUT_MS, async () => {
    const { head, nodes } = await api.call("GET", "/tortie/v1/nodes") as {
      readonly head: number;
      readonly nodes: readonly { readonly applied: number | null; readonly errors: readonly unknown[] }[];
    };
    return nodes.every(({ applied, errors }) => applied !== null && applied >= head && errors.length === 0);
  });
}
