/** CNI commands on a real kernel: a node and its pods as network namespaces, the plugin program started as a runtime does. @module */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { systemRandom } from "#/base/ports.ts";
import type { Json } from "#/base/json.ts";
import { startDrain } from "#/agents/cni/drain.ts";
import { writePlugin } from "#/agents/cni/install.ts";
import { interfaceNameFor } from "#/base/names.ts";
import { openJournal } from "#/agents/cni/journal.ts";
import { CniOperations } from "#/agents/cni/operations.ts";
import { startCniServer } from "#/agents/cni/server.ts";
import { type Kernel, ROUTE_PROTOCOLS } from "#/agents/kernel/kernel.ts";
import { type TestNetns, withNetns } from "#tests/support/netns.ts";
import { kernelTest } from "#tests/support/requires.ts";
import { FakeLoop, stateWith } from "#tests/unit/agents/cni/fake_node.ts";
import { FakeServer } from "#tests/unit/agents/cni/fake_server.ts";

const HOST_INTERFACE = interfaceNameFor("shop", "web");

interface Runtime {
  readonly netns: TestNetns;
  /** Runs the plugin as a container runtime does. */
  run(command: string, changes?: Readonly<Record<string, string>>, config?: Record<string, Json>): Promise<Outcome>;
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
}

/** A node with an agent's CNI part; its loop does nothing but make the route, as the route driver would. */
async function withRuntime(body: (runtime: Runtime) => Promise<void>): Promise<void> {
  await withNetns(async (netns) => {
    const { kernel, folder } = netns;
    const commands = new FakeServer();
    const loop = new FakeLoop();
    loop.items = stateWith(["10.0.0.0/30"]);
    loop.ready = () => makeRoutes(kernel, commands);
    await using journal = await openJournal(join(folder, "journal"));
    await using drain = startDrain({ journal, commands });
    const { pods, routes } = kernel;
    const deps = { node: "node1", journal, drain, commands, loop, random: systemRandom, pods, routes };
    const operations = new CniOperations(deps, { mtu: 1440 });
    const socket = join(folder, "agent.sock");
    await using _server = await startCniServer({ ...deps, operations }, { node: "node1", socket });
    const { program, config } = await writePlugin(join(folder, "bin"), { denoPath: Deno.execPath(), socket });
    const list = JSON.parse(await Deno.readTextFile(config));
    const run: Runtime["run"] = (command, changes = {}, fields = {}) => {
      const stdin = JSON.stringify({ ...list.plugins[0], cniVersion: list.cniVersion, name: list.name, ...fields });
      return runProgram(program, { CNI_COMMAND: command, ...environment, ...changes }, stdin);
    };
    const environment = {
      CNI_CONTAINERID: "c1",
      CNI_NETNS: await netns.make("pod1"),
      CNI_IFNAME: "eth0",
      CNI_ARGS: "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web",
      HOME: folder,
    };
    await body({ netns, run });
  });
}

/** Gives every bound sandbox its route, and the node an address to be answered at. */
async function makeRoutes(kernel: Kernel, server: FakeServer): Promise<"ready"> {
  await server.until(() => server.told.includes("BindEndpoint"));
  await kernel.addresses.add("lo", "10.0.9.9/32");
  for (const command of server.commands) {
    if (command.command !== "BindEndpoint") continue;
    const { addresses, interfaceName: linkName } = command.endpoint;
    const route = { destination: `${addresses[0]}/32`, linkName, protocol: ROUTE_PROTOCOLS.tortie };
    await kernel.routes.apply([{ kind: "set", route }]);
  }
  return "ready";
}

async function runProgram(program: string, env: Record<string, string>, stdin: string): Promise<Outcome> {
  const child = new Deno.Command(program, { env, stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin));
  await writer.close();
  const { code, stdout } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}

kernelTest("the plugin attaches a sandbox that can then be spoken to, and CHECK sees what is missing", [
  "root",
  "ping",
  "nsenter",
], () =>
  withRuntime(async ({ netns, run }) => {
    const added = await run("ADD");
    assertEquals(added.code, 0, added.stdout);
    const result = JSON.parse(added.stdout);
    assertEquals(result.interfaces[0].name, HOST_INTERFACE);
    assertEquals(result.ips, [{ interface: 1, address: "10.0.0.0/32" }]);
    const ping = await netns.exec(["ping", "-c1", "-W2", "-I", "10.0.9.9", "10.0.0.0"]);
    assertEquals(ping.code, 0, ping.output);
    const config = { prevResult: result };
    assertEquals(await run("CHECK", {}, config), { code: 0, stdout: "" });

    const podNetns = `${netns.folder}/pod1`;
    const pod = netns.open(podNetns);
    await pod.addresses.delete("eth0", "10.0.0.0/32");
    const noAddress = await run("CHECK", {}, config);
    assertStringIncludes(noAddress.stdout, '"code":100');
    assertStringIncludes(noAddress.stdout, "10.0.0.0/32");
    await pod.addresses.add("eth0", "10.0.0.0/32");
    await netns.kernel.routes.apply([{
      kind: "delete",
      route: { destination: "10.0.0.0/32", linkName: HOST_INTERFACE, protocol: ROUTE_PROTOCOLS.tortie },
    }]);
    assertStringIncludes((await run("CHECK", {}, config)).stdout, "Route 10.0.0.0/32");
  }));

kernelTest(
  "the plugin removes a sandbox, with and without its namespace, as often as it is asked",
  ["root"],
  () =>
    withRuntime(async ({ netns, run }) => {
      await run("ADD");
      for (const netnsPath of [`${netns.folder}/pod1`, "", ""]) {
        assertEquals(await run("DEL", { CNI_NETNS: netnsPath }), { code: 0, stdout: "" });
        assertEquals(await netns.kernel.links.byName(HOST_INTERFACE), undefined);
      }
    }),
);

kernelTest(
  "the plugin's DEL of an older sandbox leaves the newer one of the Pod alone",
  ["root"],
  () =>
    withRuntime(async ({ netns, run }) => {
      await run("ADD");
      const newer = { CNI_CONTAINERID: "c2", CNI_NETNS: await netns.make("pod2") };
      const added = await run("ADD", newer);
      assertEquals(JSON.parse(added.stdout).ips[0].address, "10.0.0.1/32");
      assertEquals((await run("DEL")).code, 0);
      assertEquals((await netns.kernel.links.byName(HOST_INTERFACE))?.up, true);
      assertEquals(await run("CHECK", newer, { prevResult: JSON.parse(added.stdout) }), { code: 0, stdout: "" });
    }),
);

kernelTest(
  "the plugin's ADD into a namespace that is gone fails and leaves nothing",
  ["root"],
  () =>
    withRuntime(async ({ netns, run }) => {
      const failed = await run("ADD", { CNI_NETNS: `${netns.folder}/gone` });
      assertEquals([failed.code, JSON.parse(failed.stdout).cniVersion], [1, "1.0.0"]);
      assertEquals((await netns.kernel.links.dump()).map((link) => link.name), ["lo"]);
      assertEquals(JSON.parse((await run("ADD")).stdout).ips[0].address, "10.0.0.1/32");
    }),
);
