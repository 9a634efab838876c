/**
 * CNI ADD, one after the other: the plugin program is started as a container runtime starts it, for Pods on one node of a lab of three, and returns when the
 * interface is open under its policy. Beside it, where they are installed (package containernetworking-plugins), Debian's `ptp` and `host-local`, which do
 * no policy.
 *
 *     deno run -A benches/cni_add.ts [--quick]
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { Kernel } from "#/agents/kernel/kernel.ts";
import { openKernel } from "#/agents/kernel/linux_kernel.ts";
import type { Json } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";
import type { LabPaths } from "#/lab/lab_paths.ts";
import { BENCH_NAMESPACE, type BenchLab, waitUntilLevel, withBenchLab } from "./support/bench_lab.ts";
import { compare, quantile, ROUNDS } from "./support/compare.ts";
import { type BenchOptions, type BenchRow, duration, runBench, type Spread } from "./support/rows.ts";

/** Ten passes of five, and five before them that do not count. */
const ADDS_PER_PASS = 5;
const NODE = "node1";
const PODS = `/api/v1/namespaces/${BENCH_NAMESPACE}/pods`;

/** Where plugins of others are looked for, after `CNI_PATH`. */
const PLUGIN_FOLDERS = ["/usr/lib/cni", "/opt/cni/bin"];

/** One way to attach a sandbox. */
interface Side {
  readonly name: string;
  /** Runs the plugin's ADD for the n-th sandbox in its namespace. */
  add(n: number, netns: string): Promise<CniResult>;
}

/** What a plugin prints. */
interface CniResult {
  readonly ips: readonly { readonly address: string }[];
}

async function runPlugin(
  program: string,
  env: Record<string, string>,
  config: Json,
  netns?: string,
): Promise<CniResult> {
  const [command, ...args] = netns === undefined ? [program] : ["nsenter", `--net=${netns}`, program];
  const options = { args, env, stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  const child = new Deno.Command(command!, options).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(config)));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  const text = new TextDecoder().decode(stdout);
  if (!success) throw new Error(`Plugin "${program}" failed: ${text} ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(text);
}

function environment(n: number, netns: string): Record<string, string> {
  return { CNI_COMMAND: "ADD", CNI_CONTAINERID: `bench${n}`, CNI_NETNS: netns, CNI_IFNAME: "eth0" };
}

function ours({ paths }: BenchLab, uids: readonly string[]): Side {
  const { cniPlugins, cniSocket } = paths.node(NODE);
  const config = { cniVersion: "1.0.0", name: "tortie", type: "tortie", agentSocket: cniSocket };
  return {
    name: "ours",
    add: (n, netns) => {
      const pod = `IgnoreUnknown=1;K8S_POD_NAMESPACE=${BENCH_NAMESPACE};K8S_POD_NAME=p${n};K8S_POD_UID=${uids[n]}`;
      const env = { ...environment(n, netns), CNI_PATH: cniPlugins, CNI_ARGS: pod };
      return runPlugin(join(cniPlugins, "tortie"), env, config);
    },
  };
}

/** Debian's plugins, in a namespace of their own that plays the node; `undefined` where they are not installed. */
async function theirs({ paths }: BenchLab): Promise<Side | undefined> {
  const folders = [...(Deno.env.get("CNI_PATH") ?? "").split(":"), ...PLUGIN_FOLDERS];
  const folder = folders.find((path) => ["ptp", "host-local"].every((name) => isFile(join(path, name))));
  if (folder === undefined) return undefined;
  const node = paths.netns("peer");
  await using host = openKernel();
  await host.namespaces.create(node);
  const ipam = { type: "host-local", subnet: "10.99.0.0/24", dataDir: join(paths.root, "www", "host-local") };
  const config = { cniVersion: "1.0.0", name: "peer", type: "ptp", ipam };
  return {
    name: "ptp + host-local",
    add: (n, netns) => runPlugin(join(folder, "ptp"), { ...environment(n, netns), CNI_PATH: folder }, config, node),
  };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Adds one sandbox and returns how long it took; checks that it has the addresses that the plugin said. */
async function add({ paths }: BenchLab, host: Kernel, side: Side, n: number): Promise<number> {
  const netns = sandboxNetns(paths, side, n);
  await host.namespaces.create(netns);
  const start = performance.now();
  const { ips } = await side.add(n, netns);
  const elapsed = performance.now() - start;
  await using pod = openKernel({ netns });
  const present = (await pod.addresses.dump()).map(({ address }) => address);
  const promised = ips.map(({ address }) => address.split("/")[0]);
  assert(promised.length > 0 && promised.every((address) => present.some((one) => one.startsWith(`${address}/`))));
  return elapsed;
}

function sandboxNetns(paths: LabPaths, side: Side, n: number): string {
  return paths.netns(`${side.name.split(" ")[0]}-${n}`);
}

/** Every sandbox of ours has its endpoint, and the node is level with them: the interfaces are open under their policy. */
async function checkOpen(lab: BenchLab, count: number): Promise<void> {
  const { items } = await lab.api.list(`/apis/projectcalico.org/v3/namespaces/${BENCH_NAMESPACE}/workloadendpoints`);
  assertEquals(items.length, count, "An endpoint for each sandbox");
  await waitUntilLevel(lab);
}

async function postPods({ api }: BenchLab, count: number): Promise<string[]> {
  const uids: string[] = [];
  for (let n = 0; n < count; n++) {
    const pod = await api.call("POST", PODS, {
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: `p${n}`, namespace: BENCH_NAMESPACE } },
      spec: { nodeName: NODE, containers: [{ name: "main", image: "bench" }] },
    });
    uids.push((pod as unknown as KubeObject).metadata.uid!);
  }
  return uids;
}

/** Runs passes of both sides, or of ours alone; the first of each is not counted. */
async function addAll(
  lab: BenchLab,
  sides: { readonly own: Side; readonly peer: Side | undefined },
  rounds: number,
): Promise<{ readonly oursMs: number[]; readonly theirsMs: number[]; readonly ratio: Spread | undefined }> {
  await using host = openKernel();
  const [oursMs, theirsMs]: [number[], number[]] = [[], []];
  const pass = (side: Side, into: number[]) => async () => {
    const from = into.length;
    for (let n = from; n < from + ADDS_PER_PASS; n++) into.push(await add(lab, host, side, n));
    return into.slice(from).reduce((sum, ms) => sum + ms) / ADDS_PER_PASS;
  };
  const ours = pass(sides.own, oursMs);
  let ratio: Spread | undefined;
  if (sides.peer !== undefined) ({ ratio } = await compare({ rounds, ours, theirs: pass(sides.peer, theirsMs) }));
  else for (let count = 0; count < 1 + 2 * rounds; count++) await ours();
  await checkOpen(lab, oursMs.length);
  return { oursMs: oursMs.slice(ADDS_PER_PASS), theirsMs: theirsMs.slice(ADDS_PER_PASS), ratio };
}

function figures(times: readonly number[]): string {
  return `p50 ${duration(quantile(times, 0.5))}, p99 ${duration(quantile(times, 0.99))}`;
}

async function cniBench({ quick }: BenchOptions): Promise<BenchRow[]> {
  const rounds = quick ? 1 : ROUNDS;
  return await withBenchLab(async (lab) => {
    // Held still, so that nobody but the bench calls the plugin for these Pods. It is not let go again: the lab is taken down without it.
    Deno.kill(lab.state.supervisor, "SIGSTOP");
    try {
      const own = ours(lab, await postPods(lab, (1 + 2 * rounds) * ADDS_PER_PASS));
      const peer = await theirs(lab);
      const { oursMs, theirsMs, ratio } = await addAll(lab, { own, peer }, rounds);
      const text = "P8: p99 <= 1.5x theirs, 50 at a time";
      return [{
        bench: `CNI ADD, one after the other, n = ${oursMs.length}`,
        ours: figures(oursMs),
        counterpart: peer === undefined ? "none: no containernetworking-plugins" : `${figures(theirsMs)} ${peer.name}`,
        ...ratio === undefined ? {} : { ratio },
        target: { text },
        values: { p50Ms: quantile(oursMs, 0.5), p99Ms: quantile(oursMs, 0.99) },
      }];
    } finally {
      Deno.kill(lab.state.supervisor, "SIGKILL");
    }
  });
}

if (import.meta.main) await runBench(cniBench);
