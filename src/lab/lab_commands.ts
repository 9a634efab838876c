/**
 * `tortie lab up|run|exec|info|down`: what a person does with a lab.
 *
 * @module
 */
import { dirname, join } from "@std/path";
import { CommandFailure, EXIT, type ExitCode } from "#/cli/exit_code.ts";
import type { Output } from "#/cli/output.ts";
import { openKernel } from "#/agents/kernel/linux_kernel.ts";
import { cidrContains, parseCidr } from "#/base/cidr.ts";
import { parseIp } from "#/base/ip.ts";
import type { Json } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";
import { deleteFabric, labNamespaces } from "./fabric.ts";
import { HTTP_PORT_ANNOTATION, sandboxName } from "./kubelet.ts";
import { LabApi, LabApiError } from "./lab_api.ts";
import { LAB_NODES_MAX, type LabPaths } from "./lab_paths.ts";
import { type LabState, readLabState } from "./lab_state.ts";
import { findProcess, isAlive, killLeftovers, waitUntil } from "./processes.ts";

const MAIN = join(dirname(dirname(import.meta.dirname!)), "main.ts");

/** How long `lab up` waits for the lab. */
const UP_TIMEOUT_MS = 120_000;
/** How long `lab run` waits for the Pod and its routes. */
const RUN_TIMEOUT_MS = 30_000;
const DOWN_TIMEOUT_MS = 30_000;

/** Fails unless the process is root: namespaces need it. */
export function requireRootForLab(): void {
  if (Deno.uid() === 0) return;
  throw new CommandFailure(
    "The lab makes network namespaces, which needs root. Without root, `deno task run` starts the control plane, and kubectl and `tortie explain` work against it",
    EXIT.denied,
  );
}

/** Words that only the supervisor of this lab has in its command line. */
function supervisorMark(paths: LabPaths): string {
  return ` lab supervise --dir ${paths.root} `;
}

/** The supervisor of this lab. The number in the state file may be somebody else's by now. */
function supervisorOf(paths: LabPaths): number | undefined {
  return findProcess(supervisorMark(paths));
}

function stateOrFail(paths: LabPaths): LabState {
  const state = readLabState(paths);
  if (state !== undefined && supervisorOf(paths) !== undefined) return state;
  throw new CommandFailure(`No lab is up in "${paths.root}": start one with \`deno task lab up\``, EXIT.notFound);
}

/** Fails when a lab is up in this directory: it is somebody's, and must not be cleaned away. */
export function refuseSecondLab(paths: LabPaths): void {
  if (supervisorOf(paths) === undefined) return;
  const state = readLabState(paths);
  const how = state === undefined ? "is starting" : `is up already, with API ${state.api}`;
  throw new CommandFailure(`A lab ${how}, in "${paths.root}": \`deno task lab down\` first`, EXIT.no);
}

/** `lab up`: starts a lab and returns when its agents have applied their first node state. */
export async function labUp(paths: LabPaths, nodes: number, output: Output): Promise<ExitCode> {
  requireRootForLab();
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > LAB_NODES_MAX) {
    throw new CommandFailure(`Option --nodes must be a whole number from 1 to ${LAB_NODES_MAX}: ${nodes}`, EXIT.usage);
  }
  refuseSecondLab(paths);
  await cleanUp(paths);
  Deno.mkdirSync(join(paths.root, "log"), { recursive: true });
  const log = paths.log("supervisor");
  const command = [
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    MAIN,
    "lab",
    "supervise",
    "--dir",
    paths.root,
    "--nodes",
    String(nodes),
  ];
  // A session of its own: the lab outlives this command and its terminal.
  const child = new Deno.Command("setsid", {
    args: ["/bin/sh", "-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", log, ...command],
    cwd: "/",
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  child.unref();
  let ended = false;
  child.status.then(() => ended = true);
  try {
    await waitUntil("the lab", UP_TIMEOUT_MS, () => {
      if (ended) throw new CommandFailure("The supervisor ended", EXIT.failed);
      return readLabState(paths);
    });
  } catch (error) {
    const tail = Deno.readTextFileSync(log).trim().split("\n").slice(-12).join("\n");
    await labDown(paths, { print: () => {}, note: () => {} });
    throw new CommandFailure(
      `The lab did not start: ${error instanceof Error ? error.message : error}\n${tail}`,
      EXIT.failed,
    );
  }
  const state = stateOrFail(paths);
  output.print(`Lab is up: ${state.nodes.length} nodes, API ${state.api}, kubeconfig ${paths.kubeconfig}`);
  return EXIT.ok;
}

/** `lab down`: stops everything and leaves nothing. A lab that is not up is cleaned all the same. */
export async function labDown(paths: LabPaths, output: Output): Promise<ExitCode> {
  requireRootForLab();
  const state = readLabState(paths);
  const supervisor = supervisorOf(paths);
  if (supervisor !== undefined) {
    Deno.kill(supervisor, "SIGTERM");
    await waitUntil("the supervisor to stop", DOWN_TIMEOUT_MS, () => !isAlive(supervisor)).catch(() => {});
  }
  await cleanUp(paths);
  output.print(state === undefined ? `No lab was up in "${paths.root}"` : "Lab is down");
  return EXIT.ok;
}

async function cleanUp(paths: LabPaths): Promise<void> {
  // What runs in a namespace of the lab is found there; the rest has words that no other process has.
  const marks = [
    supervisorMark(paths),
    ` serve --data-dir ${paths.serverData} `,
    ` -D ${join(paths.serverData, "postgres")} `,
    ` --net=${paths.netns("")}`,
  ];
  const kill = () => killLeftovers(labNamespaces(paths).map((name) => paths.netns(name)), marks);
  await waitUntil("processes of the lab to end", DOWN_TIMEOUT_MS, () => kill() === 0);
  await deleteFabric(paths);
  for (const entry of Deno.readDirSync("/run")) {
    if (entry.name.startsWith(`${paths.prefix}-`)) await Deno.remove(join("/run", entry.name), { recursive: true });
  }
  // Only what a lab makes: the directory may be anybody's.
  for (const name of LAB_FILES) await removeIfThere(join(paths.root, name), true);
  await removeIfThere(paths.root, false);
}

const LAB_FILES = [
  "lab.json",
  "lab.json.new",
  "kubeconfig",
  "kubeconfig.cache",
  "server",
  "server.sock",
  "nodes",
  "bin",
  "www",
  "log",
  "hosts",
];

async function removeIfThere(path: string, recursive: boolean): Promise<void> {
  try {
    await Deno.remove(path, { recursive });
  } catch (error) {
    const other = !recursive && error instanceof Error && /not empty/i.test(error.message);
    if (!(error instanceof Deno.errors.NotFound) && !other) throw error;
  }
}

/** What `lab run` is asked for. */
export interface LabRunRequest {
  readonly name: string;
  readonly namespace: string;
  readonly node?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly http?: number;
}

/** `lab run`: posts a Pod and returns when it runs, its HTTP server listens, and every node has a route to it. */
export async function labRun(paths: LabPaths, request: LabRunRequest, output: Output): Promise<ExitCode> {
  const state = stateOrFail(paths);
  const api = new LabApi(state.api);
  if (request.node !== undefined && !state.nodes.some(({ name }) => name === request.node)) {
    throw new CommandFailure(`Node is not in the lab: "${request.node}"`, EXIT.notFound);
  }
  const pod: Json = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: request.name,
      namespace: request.namespace,
      labels: request.labels,
      ...(request.http === undefined ? {} : { annotations: { [HTTP_PORT_ANNOTATION]: String(request.http) } }),
    },
    spec: {
      ...(request.node === undefined ? {} : { nodeName: request.node }),
      containers: [{
        name: "main",
        image: "lab",
        ...(request.http === undefined
          ? {}
          : { ports: [{ name: "http", containerPort: request.http, protocol: "TCP" }] }),
      }],
    },
  };
  const path = `/api/v1/namespaces/${request.namespace}/pods`;
  await call(() => api.call("POST", path, pod));
  const address = await waitUntil(`Pod ${request.namespace}/${request.name} to run`, RUN_TIMEOUT_MS, async () => {
    const { status } = await api.call("GET", `${path}/${request.name}`) as unknown as KubeObject;
    if (status?.reason === "FailedCreatePodSandBox") throw new Error(String(status.message));
    return status?.phase === "Running" && typeof status.podIP === "string" ? status.podIP : undefined;
  });
  for (const node of state.nodes) {
    await waitUntil(
      `a route to ${address} on ${node.name}`,
      RUN_TIMEOUT_MS,
      () => hasRoute(paths.netns(node.name), address),
    );
  }
  output.print(`Pod ${request.namespace}/${request.name} runs at ${address}`);
  return EXIT.ok;
}

/** Whether a node forwards an address somewhere: the most specific route that holds it is no blackhole. */
async function hasRoute(netns: string, address: string): Promise<boolean> {
  await using kernel = openKernel({ netns });
  const ip = parseIp(address)!;
  const holding = (await kernel.routes.dump()).flatMap((route) => {
    const cidr = parseCidr(route.destination);
    return cidr !== undefined && cidr.prefixLength > 0 && cidrContains(cidr, ip)
      ? [{ route, length: cidr.prefixLength }]
      : [];
  });
  const [best] = holding.sort((a, b) => b.length - a.length);
  return best !== undefined && best.route.type === "unicast";
}

async function call<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof LabApiError)) throw error;
    throw new CommandFailure(`Error from server: ${error.message}`, error.status === 404 ? EXIT.notFound : EXIT.no);
  }
}

/** `lab info`: everything a script needs to know of a running lab. */
export async function labInfo(paths: LabPaths, output: Output): Promise<ExitCode> {
  const state = stateOrFail(paths);
  const { items } = await new LabApi(state.api).list("/api/v1/pods");
  const info = {
    api: state.api,
    kubeconfig: paths.kubeconfig,
    nodes: state.nodes.map(({ name, address, pid }) => ({
      name,
      address,
      netns: paths.netns(name),
      birdSocket: join(paths.node(name).birdDirectory, "bird.ctl"),
      pid,
    })),
    pods: items.filter((pod) => typeof pod.status?.podIP === "string").map((pod) => ({
      namespace: pod.metadata.namespace,
      name: pod.metadata.name,
      node: pod.spec?.nodeName,
      address: pod.status?.podIP,
      netns: podNetns(paths, pod),
    })),
    external: state.external,
  };
  output.print(JSON.stringify(info, null, 2));
  return EXIT.ok;
}

function podNetns(paths: LabPaths, pod: KubeObject): string {
  return paths.netns(sandboxName(pod.metadata.uid ?? ""));
}

/** `lab exec NS/NAME -- CMD ...`: runs a command in a Pod's network namespace; its exit code is ours. */
export async function labExec(paths: LabPaths, target: string, words: readonly string[]): Promise<number> {
  const state = stateOrFail(paths);
  const command = words[0] === "--" ? words.slice(1) : words;
  const [namespace, name, more] = target.split("/");
  if (namespace === undefined || name === undefined || more !== undefined || command.length === 0) {
    throw new CommandFailure(`Usage: lab exec NAMESPACE/NAME -- COMMAND ...: got "${target}"`, EXIT.usage);
  }
  const { items } = await new LabApi(state.api).list("/api/v1/pods");
  const pod = items.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  if (pod === undefined || typeof pod.status?.podIP !== "string") {
    throw new CommandFailure(`No Pod runs under this name: "${target}"`, EXIT.notFound);
  }
  // A file of its own: another exec at the same time may be in another namespace, with other short names.
  const hosts = join(paths.root, "hosts", String(Deno.pid));
  Deno.mkdirSync(dirname(hosts), { recursive: true });
  Deno.writeTextFileSync(hosts, hostsText(items, namespace));
  try {
    return await runInPod(paths, podNetns(paths, pod), hosts, command);
  } finally {
    await removeIfThere(hosts, false);
  }
}

/** Runs a command in a network namespace, and in a mount namespace of its own so that Pods' names resolve without touching the machine's /etc/hosts. */
async function runInPod(
  paths: LabPaths,
  netns: string,
  hosts: string,
  command: readonly string[],
): Promise<number> {
  const script = 'mount --bind "$0" /etc/hosts && exec "$@"';
  const child = new Deno.Command("nsenter", {
    args: [`--net=${netns}`, "unshare", "--mount", "/bin/sh", "-c", script, hosts, ...command],
    env: { PATH: `${paths.applets}:${Deno.env.get("PATH") ?? ""}` },
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  return (await child.status).code;
}

function hostsText(pods: readonly KubeObject[], namespace: string): string {
  const lines = pods.filter((pod) => typeof pod.status?.podIP === "string").map(({ metadata, status }) => {
    const short = metadata.namespace === namespace ? ` ${metadata.name}` : "";
    return `${status!.podIP}${short} ${metadata.name}.${metadata.namespace}`;
  });
  return ["127.0.0.1 localhost", "::1 localhost", ...lines, ""].join("\n");
}
