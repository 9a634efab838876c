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
}

/** Runs the kubelets of all nodes, and a scheduler, in one process. Disposing stops them and leaves sandboxes to the lab's clean-up. */
export class LabKubelets implements AsyncDisposable {
  readonly #sandboxes = new Map<string, Sandbox>();
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
    const uids = new Set(pods.map((pod) => pod.metadata.uid));
    for (const [key, sandbox] of this.#sandboxes) {
      if (!uids.has(sandbox.uid)) {
        this.#enqueue(key, () => this.#remove(key));
      }
    }
    for (const pod of pods) this.#want(pod);
  }

  #onEvent(event: WatchEvent): void {
    if (event.type === "ERROR") throw new Error(`The server ended the watch: ${JSON.stringify(event.object)}`);
    const key = `${event.object.metadata?.namespace}/${event.object.metadata?.name}`;
    if (event.type === "DELETED") this.#enqueue(key, () => this.#remove(key));
    else if (event.type !== "BOOKMARK") this.#want(event.object);
  }

  #want(pod: KubeObject): void {
    const { namespace = "", name } = pod.metadata;
    const key = `${namespace}/${name}`;
    if (pod.spec?.hostNetwork === true) return;
    const node = pod.spec?.nodeName;
    if (pod.metadata.deletionTimestamp !== undefined) this.#enqueue(key, () => this.#remove(key));
    else if (typeof node !== "string" || node === "") this.#enqueue(key, () => this.#schedule(pod));
    else if (this.deps.nodes.includes(node)) this.#enqueue(key, () => this.#ensure(key, pod, node));
  }

  #enqueue(key: string, job: () => Promise<void>): void {
    const previous = this.#queues.get(key) ?? Promise.resolve();
    const next = previous.then(job).catch((error) => this.deps.log(`pod ${key}: ${errorText(error)}`));
    this.#queues.set(key, next);
    next.then(() => {
      if (this.#queues.get(key) === next) this.#queues.delete(key);
    });
  }

  /** A Pod without a node goes to the nodes in turn. */
  async #schedule(pod: KubeObject): Promise<void> {
    const node = this.deps.nodes[this.#scheduled++ % this.deps.nodes.length]!;
    await this.#patch(podPath(pod.metadata.namespace!, pod.metadata.name), { spec: { nodeName: node } });
  }

  async #ensure(key: string, pod: KubeObject, node: string): Promise<void> {
    const present = this.#sandboxes.get(key);
    if (present?.uid === pod.metadata.uid) return;
    if (present !== undefined) await this.#remove(key);
    const uid = pod.metadata.uid!;
    const containerId = containerIdOf(uid);
    const sandbox: Sandbox = {
      namespace: pod.metadata.namespace!,
      name: pod.metadata.name,
      uid,
      node,
      containerId,
      netns: sandboxName(uid),
    };
    this.#sandboxes.set(key, sandbox);
    try {
      await this.#start(sandbox, pod);
    } catch (error) {
      await this.#remove(key);
      const message = errorText(error);
      await this.#status(sandbox, { phase: "Pending", reason: "FailedCreatePodSandBox", message });
      throw error;
    }
  }

  async #start(sandbox: Sandbox, pod: KubeObject): Promise<void> {
    const { paths, kernel } = this.deps;
    const netns = paths.netns(sandbox.netns);
    await kernel.namespaces.create(netns);
    const result = JSON.parse(await this.#cni("ADD", sandbox)) as { ips: { address: string }[] };
    const addresses = result.ips.map(({ address }) => address.split("/")[0]!);
    const port = pod.metadata.annotations?.[HTTP_PORT_ANNOTATION];
    if (port !== undefined) await this.#serve(sandbox, Number(port));
    await this.#status(sandbox, {
      phase: "Running",
      podIP: addresses[0]!,
      podIPs: addresses.map((ip) => ({ ip })),
      startTime: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
      conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => ({ type, status: "True" })),
      containerStatuses: containerStatuses(pod),
    });
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

  async #remove(key: string): Promise<void> {
    const sandbox = this.#sandboxes.get(key);
    if (sandbox === undefined) return;
    this.#sandboxes.delete(key);
    await sandbox.http?.[Symbol.asyncDispose]();
    await this.#cni("DEL", sandbox);
    await this.deps.kernel.namespaces.delete(this.deps.paths.netns(sandbox.netns));
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
