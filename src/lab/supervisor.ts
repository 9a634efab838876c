/**
 * The process behind a lab: makes the fabric, starts the server, the agents and the HTTP server outside, runs the kubelets, and keeps all of them running
 * until it is told to stop. `lab up` starts it in the background and waits for its state file.
 *
 * @module
 */
import { dirname, join } from "@std/path";
import { openKernel } from "#/agents/kernel/linux_kernel.ts";
import { writePlugin } from "#/agents/cni/install.ts";
import { createFabric, fabricAddresses } from "./fabric.ts";
import { LabKubelets } from "./kubelet.ts";
import { LabApi } from "./lab_api.ts";
import { FABRIC, type LabPaths } from "./lab_paths.ts";
import { type LabState, writeLabState } from "./lab_state.ts";
import { ManagedProcess, type ProcessSpec, waitUntil } from "./processes.ts";

/** The program's own entry, run again for each part of the lab. */
const MAIN = join(dirname(dirname(import.meta.dirname!)), "main.ts");

const START_TIMEOUT_MS = 60_000;
const EXTERNAL_PORT = 80;

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

function program(paths: LabPaths, name: string, args: readonly string[], netns?: string): ProcessSpec {
  return {
    name,
    command: Deno.execPath(),
    args: ["run", "-A", "--quiet", MAIN, ...args],
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    log: paths.log(name),
    restart: true,
    ...(netns === undefined ? {} : { netns }),
  };
}

async function startServer(paths: LabPaths, port: number): Promise<ManagedProcess> {
  const listen = `127.0.0.1:${port}`;
  const args = ["serve", "--data-dir", paths.serverData, "--listen", listen, "--socket", paths.serverSocket];
  const server = new ManagedProcess(program(paths, "server", args));
  await waitUntil("the server to be ready", START_TIMEOUT_MS, async () => {
    const response = await fetch(`http://${listen}/readyz`);
    await response.body?.cancel();
    return response.ok;
  });
  return server;
}

/** Registers a node as its kubelet would, and fetches its credentials. */
async function registerNode(paths: LabPaths, api: LabApi, name: string, address: string): Promise<void> {
  await api.call("POST", "/api/v1/nodes", {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux" },
      annotations: { "projectcalico.org/IPv4Address": `${address}/${FABRIC.length}` },
    },
  });
  await api.call("PATCH", `/api/v1/nodes/${name}/status`, {
    status: {
      addresses: [{ type: "InternalIP", address }, { type: "Hostname", address: name }],
      conditions: [{ type: "Ready", status: "True", reason: "LabKubelet" }],
    },
  }, "application/merge-patch+json");
  const { token } = await api.call("POST", `/tortie/v1/nodes/${name}/token`) as { token: string };
  const node = paths.node(name);
  Deno.mkdirSync(node.directory, { recursive: true });
  Deno.mkdirSync(node.birdDirectory, { recursive: true });
  Deno.writeTextFileSync(node.token, token, { mode: 0o600 });
  await writePlugin(node.cniPlugins, { denoPath: Deno.execPath(), socket: node.cniSocket });
}

function startAgent(paths: LabPaths, name: string): ManagedProcess {
  const node = paths.node(name);
  const args = ["agent", "--node", name, "--server", paths.serverSocket, "--token-file", node.token];
  args.push("--data-dir", node.directory, "--cni-socket", node.cniSocket, "--bird-dir", node.birdDirectory);
  return new ManagedProcess(program(paths, name, args, node.netns));
}

function startExternal(paths: LabPaths): ManagedProcess {
  const home = join(paths.root, "www", "external");
  Deno.mkdirSync(home, { recursive: true });
  Deno.writeTextFileSync(join(home, "index.html"), "outside the cluster\n");
  return new ManagedProcess({
    name: "external",
    command: "busybox",
    args: ["httpd", "-f", "-p", String(EXTERNAL_PORT), "-h", home],
    netns: paths.netns("external"),
    log: paths.log("external"),
    restart: true,
  });
}

function writeKubeconfig(paths: LabPaths, api: string): void {
  const named = (name: string, kind: string, value: unknown) => ({ name, [kind]: value });
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [named("lab", "cluster", { server: api })],
    users: [named("lab", "user", {})],
    contexts: [named("lab", "context", { cluster: "lab", user: "lab" })],
    "current-context": "lab",
  };
  Deno.writeTextFileSync(paths.kubeconfig, JSON.stringify(config, null, 2));
}

async function installApplets(paths: LabPaths): Promise<void> {
  Deno.mkdirSync(paths.applets, { recursive: true });
  const output = await new Deno.Command("busybox", { args: ["--list"], stdin: "null", stdout: "piped" }).output();
  const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  }) ?? "/bin/busybox";
  for (const applet of new TextDecoder().decode(output.stdout).split("\n")) {
    // The first two must stay the system's own: exec enters namespaces with them.
    if (applet === "" || ["nsenter", "unshare", "wget"].includes(applet)) continue;
    Deno.symlinkSync(busybox, join(paths.applets, applet));
  }
  Deno.writeTextFileSync(join(paths.applets, "wget"), wgetText(busybox), { mode: 0o755 });
}

/** Debian's busybox 1.35 crashes on `wget -T`: its `timeout` carries the option out instead. */
function wgetText(busybox: string): string {
  return `#!/bin/sh
limit= next=
for word in "$@"; do
  shift
  case "$next:$word" in
    limit:*) limit=$word next= ;;
    :-T | :--timeout) next=limit ;;
    :-T*) limit=\${word#-T} ;;
    :--timeout=*) limit=\${word#--timeout=} ;;
    *) set -- "$@" "$word" ;;
  esac
done
if test -z "$limit"; then exec ${busybox} wget "$@"; fi
${busybox} timeout "$limit" ${busybox} wget "$@" || exit 1
`;
}

/** Waits until every agent has reported that its kernel shows some position. */
async function waitForAgents(api: LabApi, count: number): Promise<void> {
  await waitUntil(`${count} agents to have applied their node state`, START_TIMEOUT_MS, async () => {
    const { nodes } = await api.call("GET", "/tortie/v1/nodes") as { nodes: readonly { applied: number | null }[] };
    return nodes.length === count && nodes.every((node) => node.applied !== null && node.applied > 0);
  });
}

/** Runs a lab of `count` nodes until SIGTERM or SIGINT. What it makes outside its directory is taken away by `lab down`. */
export async function superviseLab(paths: LabPaths, count: number): Promise<void> {
  const stop = Promise.withResolvers<void>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop.resolve());
  await using stack = new AsyncDisposableStack();
  Deno.mkdirSync(paths.root, { recursive: true });
  await installApplets(paths);
  await createFabric(paths, count);
  const port = freePort();
  const base = `http://127.0.0.1:${port}`;
  stack.use(await startServer(paths, port));
  const api = new LabApi(base);
  const addresses = fabricAddresses(count);
  const names = addresses.nodes.map((_, at) => `node${at + 1}`);
  for (const [at, name] of names.entries()) await registerNode(paths, api, name, addresses.nodes[at]!);
  const agents = names.map((name) => stack.use(startAgent(paths, name)));
  stack.use(startExternal(paths));
  writeKubeconfig(paths, base);
  await waitForAgents(api, count);
  const kernel = stack.use(openKernel());
  stack.use(new LabKubelets({ paths, api, nodes: names, kernel, log: (line) => console.error(line) }));
  const state = (): LabState => ({
    supervisor: Deno.pid,
    api: base,
    nodes: names.map((name, at) => ({ name, address: addresses.nodes[at]!, pid: agents[at]!.pid })),
    external: { address: addresses.external, url: `http://${addresses.external}:${EXTERNAL_PORT}/` },
  });
  writeLabState(paths, state());
  const refresh = setInterval(() => writeLabState(paths, state()), 500);
  stack.defer(() => clearInterval(refresh));
  await stop.promise;
}
