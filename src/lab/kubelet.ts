/**
 * The lab's kubelet: for each Pod on a node it makes a sandbox through the real CNI plugin, starts an HTTP server in it when asked, writes the Pod's status, and
 * takes all of it away when the Pod is deleted. Containers are not run: images have no place here.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { dirname, join } from "@std/path";
import { errorText } from "#/base/errors.ts";
import type { Json } from "#/base/json.ts";
import type { Kernel } from "#/agents/kernel/kernel.ts";
import type { KubeObject } from "#/resources/object.ts";
import { LabApi, LabApiError, type WatchEvent } from "./lab_api.ts";
import type { LabPaths } from "./lab_paths.ts";
import { ManagedProcess, waitUntil } from "./processes.ts";

/** Annotation of a Pod: the port on which the lab runs a real HTTP server in its sandbox. */
export const HTTP_PORT_ANNOTATION = "lab.tortie.dev/http-port";

/** Pause before a list or watch that failed is tried again. */
const RECONNECT_DELAY_MS = 200;
/** Pause before a Pod whose sandbox could not be made or removed is tried again. */
const RETRY_DELAY_MS = 500;

/** What the kubelets need. */
export interface KubeletDeps {
  readonly paths: LabPaths;
  readonly api: LabApi;
  readonly nodes: readonly string[];
  readonly kernel: Kernel;
  /** Told of what goes wrong, one line each. */
  readonly log: (line: string) => void;
}

interface Sandbox {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly node: string;
  readonly containerId: string;
  /** Name of its network namespace within the lab. */
  readonly netns: string;
  http?: ManagedProcess;
  /** The Pod's status, once the sandbox is whole. */
  status?: Json;
  isTold: boolean;
}

/**
 * Runs the kubelets of all nodes, and a scheduler, in one process. Level-driven: what happens only says what is wanted; work on a Pod compares that with what
 * is there, and is tried again until both are the same. Disposing stops them and leaves sandboxes to the lab's clean-up.
 */
export class LabKubelets implements AsyncDisposable {
  /** Pods that must be, by `namespace/name`. */
  readonly #wanted = new Map<string, KubeObject>();
  /** What was made, or begun. */
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #retries = new Map<string, ReturnType<typeof setTimeout>>();
  /** Per Pod, so that work on one Pod is done in order and Pods do not wait for each other. */
  readonly #queues = new Map<string, Promise<void>>();
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #scheduled = 0;

  /** @param deps the lab's parts */
  constructor(private readonly deps: KubeletDeps) {
    this.#done = this.#run();
  }

  /** Stops watching and stops HTTP servers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#done;
    await Promise.all(this.#queues.values());
    for (const timer of this.#retries.values()) clearTimeout(timer);
    for (const sandbox of this.#sandboxes.values()) await sandbox.http?.[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const { items, resourceVersion } = await this.deps.api.list("/api/v1/pods");
        this.#resync(items);
        for await (const event of this.deps.api.watch("/api/v1/pods", resourceVersion, signal)) this.#onEvent(event);
      } catch (error) {
        if (!signal.aborted) this.deps.log(`watch of pods: ${errorText(error)}`);
      }
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, RECONNECT_DELAY_MS));
    }
  }

  #resync(pods: readonly KubeObject[]): void {
    const listed = new Set(pods.map(keyOf));
    for (const key of [...this.#wanted.keys(), ...this.#sandboxes.keys()]) if (!listed.has(key)) this.#forget(key);
    for (const pod of pods) this.#take(pod);
  }

  #onEvent(event: WatchEvent): void {
    if (event.type === "ERROR") throw new Error(`The server ended the watch: ${JSON.stringify(event.object)}`);
    if (event.type === "DELETED") this.#forget(keyOf(event.object));
    else if (event.type !== "BOOKMARK") this.#take(event.object);
  }

  #take(pod: KubeObject): void {
    if (pod.spec?.hostNetwork === true) return;
    const node = nodeOf(pod);
    const isOurs = node === undefined || this.deps.nodes.includes(node);
    if (!isOurs || pod.metadata.deletionTimestamp !== undefined) return this.#forget(keyOf(pod));
    this.#wanted.set(keyOf(pod), pod);
    this.#enqueue(keyOf(pod));
  }

  #forget(key: string): void {
    this.#wanted.delete(key);
    this.#enqueue(key);
  }

  #enqueue(key: string): void {
    clearTimeout(this.#retries.get(key));
    this.#retries.delete(key);
    const previous = this.#queues.get(key) ?? Promise.resolve();
    const next = previous.then(() => this.#reconcile(key)).catch((error) => {
      this.deps.log(`pod ${key}: ${errorText(error)}`);
      if (!this.#abort.signal.aborted) this.#retries.set(key, setTimeout(() => this.#enqueue(key), RETRY_DELAY_MS));
    });
    this.#queues.set(key, next);
    next.then(() => {
      if (this.#queues.get(key) === next) this.#queues.delete(key);
    });
  }

  /** Makes what a Pod has what is wanted of it. A sandbox without a status is one whose start was cut short: it is made anew. */
  async #reconcile(key: string): Promise<void> {
    const pod = this.#wanted.get(key);
    const present = this.#sandboxes.get(key);
    const isStale = present?.uid !== pod?.metadata.uid || present?.status === undefined;
    if (present !== undefined && isStale) await this.#remove(key, present);
    if (pod === undefined) return;
    const node = nodeOf(pod);
    if (node === undefined) await this.#schedule(pod);
    else await this.#ensure(key, pod, node);
  }

  /** A Pod without a node goes to the nodes in turn. */
  async #schedule(pod: KubeObject): Promise<void> {
    const node = this.deps.nodes[this.#scheduled++ % this.deps.nodes.length]!;
    await this.#patch(podPath(pod.metadata.namespace!, pod.metadata.name), { spec: { nodeName: node } });
  }

  async #ensure(key: string, pod: KubeObject, node: string): Promise<void> {
    const sandbox = this.#sandboxes.get(key) ?? sandboxOf(pod, node);
    this.#sandboxes.set(key, sandbox);
    try {
      sandbox.status ??= await this.#start(sandbox, pod);
    } catch (error) {
      const status = { phase: "Pending", reason: "FailedCreatePodSandBox", message: errorText(error) };
      // The cause matters more than that it could not be told.
      await this.#status(sandbox, status).catch(() => {});
      throw error;
    }
    if (!sandbox.isTold) await this.#status(sandbox, sandbox.status);
    sandbox.isTold = true;
  }

  /** Makes the sandbox and returns the Pod's status. */
  async #start(sandbox: Sandbox, pod: KubeObject): Promise<Json> {
    const { paths, kernel } = this.deps;
    const netns = paths.netns(sandbox.netns);
    await kernel.namespaces.create(netns);
    const result = JSON.parse(await this.#cni("ADD", sandbox)) as { ips: { address: string }[] };
    const addresses = result.ips.map(({ address }) => address.split("/")[0]!);
    const port = pod.metadata.annotations?.[HTTP_PORT_ANNOTATION];
    if (port !== undefined) await this.#serve(sandbox, Number(port));
    return {
      phase: "Running",
      // Of an earlier try that failed.
      reason: null,
      message: null,
      podIP: addresses[0]!,
      podIPs: addresses.map((ip) => ({ ip })),
      startTime: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
      conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => ({ type, status: "True" })),
      containerStatuses: containerStatuses(pod),
    };
  }

  async #serve(sandbox: Sandbox, port: number): Promise<void> {
    const { paths } = this.deps;
    const home = join(paths.root, "www", sandbox.containerId.slice(0, 12));
    Deno.mkdirSync(home, { recursive: true });
    Deno.writeTextFileSync(join(home, "index.html"), `${sandbox.namespace}/${sandbox.name}\n`);
    sandbox.http = new ManagedProcess({
      name: `http-${sandbox.name}`,
      command: "busybox",
      args: ["httpd", "-f", "-p", String(port), "-h", home],
      netns: paths.netns(sandbox.netns),
      log: paths.log(`http-${sandbox.namespace}-${sandbox.name}`),
      restart: true,
    });
    await waitUntil(
      `an HTTP server on port ${port} of ${sandbox.namespace}/${sandbox.name}`,
      10_000,
      () => isListening(sandbox.http!.pid, port),
    );
  }

  async #remove(key: string, sandbox: Sandbox): Promise<void> {
    await sandbox.http?.[Symbol.asyncDispose]();
    await this.#cni("DEL", sandbox);
    await this.deps.kernel.namespaces.delete(this.deps.paths.netns(sandbox.netns));
    this.#sandboxes.delete(key);
  }

  /** Calls the plugin as a runtime does: environment, configuration on stdin, result on stdout. */
  async #cni(command: "ADD" | "DEL", sandbox: Sandbox): Promise<string> {
    const node = this.deps.paths.node(sandbox.node);
    const child = new Deno.Command(join(node.cniPlugins, "tortie"), {
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: sandbox.containerId,
        CNI_NETNS: this.deps.paths.netns(sandbox.netns),
        CNI_IFNAME: "eth0",
        CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${sandbox.namespace};K8S_POD_NAME=${sandbox.name};` +
          `K8S_POD_INFRA_CONTAINER_ID=${sandbox.containerId};K8S_POD_UID=${sandbox.uid}`,
        CNI_PATH: node.cniPlugins,
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const config = { cniVersion: "1.1.0", name: "tortie", type: "tortie", agentSocket: node.cniSocket };
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(JSON.stringify(config)));
    await writer.close();
    const output = await child.output();
    const text = new TextDecoder().decode(output.stdout);
    if (output.success) return text;
    const complaint = text.trim() || new TextDecoder().decode(output.stderr).trim();
    throw new Error(`CNI ${command} failed with code ${output.code}: ${complaint}`);
  }

  async #status(sandbox: Sandbox, status: Json): Promise<void> {
    try {
      await this.#patch(`${podPath(sandbox.namespace, sandbox.name)}/status`, { status });
    } catch (error) {
      // Deleted meanwhile: its DELETED event is on the way.
      if (!(error instanceof LabApiError && error.status === 404)) throw error;
    }
  }

  async #patch(path: string, patch: Json): Promise<void> {
    await this.deps.api.call("PATCH", path, patch, "application/merge-patch+json");
  }
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function nodeOf({ spec }: KubeObject): string | undefined {
  return typeof spec?.nodeName === "string" && spec.nodeName !== "" ? spec.nodeName : undefined;
}

function sandboxOf({ metadata }: KubeObject, node: string): Sandbox {
  const uid = metadata.uid!;
  return {
    ...{ namespace: metadata.namespace!, name: metadata.name, uid, node },
    containerId: containerIdOf(uid),
    netns: sandboxName(uid),
    isTold: false,
  };
}

function containerIdOf(podUid: string): string {
  return createHash("sha256").update(podUid).digest("hex");
}

/** Name, within the lab, of the network namespace of a Pod's sandbox. */
export function sandboxName(podUid: string): string {
  return `pod-${containerIdOf(podUid).slice(0, 12)}`;
}

function podPath(namespace: string, name: string): string {
  return `/api/v1/namespaces/${namespace}/pods/${name}`;
}

function containerStatuses(pod: KubeObject): Json {
  const containers = Array.isArray(pod.spec?.containers)
    ? pod.spec.containers as readonly { name?: string; image?: string }[]
    : [];
  return containers.map(({ name = "main", image = "" }) => ({
    name,
    image,
    imageID: "",
    ready: true,
    started: true,
    restartCount: 0,
    state: { running: {} },
  }));
}

/** Whether a TCP socket of the process's network namespace listens on a port. */
function isListening(pid: number, port: number): boolean {
  const LISTEN = "0A";
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return ["tcp", "tcp6"].some((file) => {
    try {
      return Deno.readTextFileSync(join(dirname(`/proc/${pid}/net/x`), file)).split("\n").some((line) => {
        const [, local, , state] = line.trim().split(/\s+/);
        return state === LISTEN && local?.endsWith(wanted);
      });
    } catch {
      return false;
    }
  });
}
