/** Tests of the CNI commands against a journal on disk, and a server, kernel and loop in memory. @module */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { systemRandom } from "#/base/ports.ts";
import type { Json } from "#/base/json.ts";
import { startDrain } from "#/agents/cni/drain.ts";
import { interfaceNameFor } from "#/base/names.ts";
import { type Journal, openJournal } from "#/agents/cni/journal.ts";
import { CniOperations } from "#/agents/cni/operations.ts";
import type { CniCommand, CniRequest } from "#/agents/cni/protocol.ts";
import { FakeLoop, FakePods, kernelError, stateWith } from "./fake_node.ts";
import { FakeServer } from "./fake_server.ts";

const CONFIG = { cniVersion: "1.0.0", name: "net", type: "tortie" };
const HOST_INTERFACE = interfaceNameFor("shop", "web");

interface World {
  readonly server: FakeServer;
  readonly pods: FakePods;
  readonly loop: FakeLoop;
  readonly journal: Journal;
  readonly operations: CniOperations;
  /** Runs a command and returns exit code and parsed output. */
  run(request: Partial<CniRequest>): Promise<{ code: number; output: Record<string, Json> }>;
}

async function withWorld(
  body: (world: World) => Promise<void>,
  options: { readonly readyMsMax?: number; readonly directory?: string } = {},
): Promise<void> {
  const directory = options.directory ?? await Deno.makeTempDir({ prefix: "tortie-cni-" });
  const server = new FakeServer();
  const pods = new FakePods();
  const loop = new FakeLoop();
  loop.items = stateWith(["10.0.0.0/30"]);
  try {
    await using journal = await openJournal(directory);
    await using drain = startDrain({ journal, commands: server });
    const routes = { dump: () => Promise.resolve(pods.routes()) };
    const deps = { node: "node1", journal, drain, commands: server, loop, random: systemRandom, pods, routes };
    const operations = new CniOperations(deps, { mtu: 1440, readyMsMax: options.readyMsMax });
    const run: World["run"] = async (request) => {
      const { code, stdout } = await operations.handle({ ...requestOf("ADD", "c1"), ...request });
      return { code, output: stdout === "" ? {} : JSON.parse(stdout) };
    };
    for (const container of ["c1", "c2", "c3"]) pods.namespaces.add(`/run/netns/${container}`);
    await body({ server, pods, loop, journal, operations, run });
  } finally {
    if (options.directory === undefined) await Deno.remove(directory, { recursive: true });
  }
}

function requestOf(command: CniCommand, containerId: string, changes: Partial<CniRequest> = {}): CniRequest {
  const args = "K8S_POD_UID=uid-1;K8S_POD_NAME=web;IgnoreUnknown=1;K8S_POD_NAMESPACE=shop";
  return { command, containerId, netns: `/run/netns/${containerId}`, ifName: "eth0", args, config: CONFIG, ...changes };
}

function addressOf(output: Record<string, Json>): string | undefined {
  return JSON.stringify(output.ips)?.match(/"address":"([^"]+)"/)?.[1];
}

function podArgs(pod: string): string {
  return `K8S_POD_NAMESPACE=shop;K8S_POD_NAME=${pod}`;
}

Deno.test("CniOperations ADD allocates, makes the interface, tells the server, waits for the policy and prints", () =>
  withWorld(async ({ run, pods, loop, server, journal }) => {
    const { code, output } = await run({});
    assertEquals(code, 0);
    assertEquals(output, {
      cniVersion: "1.0.0",
      interfaces: [{ name: HOST_INTERFACE }, { name: "eth0", mac: "02:00:00:00:00:01", sandbox: "/run/netns/c1" }],
      ips: [{ interface: 1, address: "10.0.0.0/32" }],
      routes: [{ dst: "0.0.0.0/0" }],
      dns: {},
    });
    assertEquals(pods.made.get(HOST_INTERFACE), {
      hostLink: HOST_INTERFACE,
      netns: "/run/netns/c1",
      podLink: "eth0",
      addresses: ["10.0.0.0"],
      mtu: 1440,
    });
    assertEquals(loop.waited, ["shop/web c1"]);
    await server.until(() => server.told.length === 2);
    assertEquals(server.commands, [
      {
        command: "AssignAddress",
        assignment: {
          address: "10.0.0.0",
          block: "10.0.0.0/30",
          node: "node1",
          handle: "net.c1",
          namespace: "shop",
          pod: "web",
        },
      },
      {
        command: "BindEndpoint",
        endpoint: {
          node: "node1",
          namespace: "shop",
          pod: "web",
          podUid: "uid-1",
          containerId: "c1",
          interfaceName: HOST_INTERFACE,
          mac: "02:00:00:00:00:01",
          addresses: ["10.0.0.0"],
          netns: "/run/netns/c1",
        },
      },
    ]);
    assertEquals(journal.ledger.bindings.size, 1);
  }));

Deno.test("CniOperations ADD again for the same container gives the same and touches nothing", () =>
  withWorld(async ({ run, pods, server }) => {
    const first = await run({});
    const again = await run({});
    assertEquals(again, first);
    assertEquals(pods.calls, ["create 10.0.0.0"]);
    await server.until(() => server.told.length === 2);
  }));

Deno.test("CniOperations ADD again repairs an interface that is gone, with the same address", () =>
  withWorld(async ({ run, pods, journal }) => {
    await run({});
    pods.made.clear();
    const { output } = await run({});
    assertEquals(addressOf(output), "10.0.0.0/32");
    assertEquals(pods.made.has(HOST_INTERFACE), true);
    assertEquals(journal.ledger.bindings.get("shop/web")?.mac, "02:00:00:00:00:02");
  }));

Deno.test("CniOperations ADDs at the same time get different addresses, one per Pod", () =>
  withWorld(async ({ run }) => {
    const results = await Promise.all(
      ["a", "b", "c"].map((pod, index) =>
        run({ containerId: `c${index + 1}`, netns: `/run/netns/c${index + 1}`, args: podArgs(pod) })
      ),
    );
    assertEquals(results.map(({ output }) => addressOf(output)).sort(), ["10.0.0.0/32", "10.0.0.1/32", "10.0.0.2/32"]);
  }));

Deno.test("CniOperations ADD with the server away returns with the interface closed", () =>
  withWorld(async ({ run, server, loop, journal }) => {
    server.away = true;
    loop.ready = () => Promise.resolve("pending");
    assertEquals((await run({})).code, 0);
    assertEquals(journal.owed.length, 2);
  }));

Deno.test("CniOperations ADD returns with the interface closed when the wait is over, or the agent stops", () =>
  withWorld(async ({ run, loop, operations }) => {
    loop.ready = () => new Promise(() => undefined);
    assertEquals((await run({})).code, 0);
    operations.stopWaiting();
    assertEquals((await run({ containerId: "c2", netns: "/run/netns/c2", args: podArgs("b") })).code, 0);
  }, { readyMsMax: 20 }));

Deno.test("CniOperations ADD that waits ends when the agent stops", () =>
  withWorld(async ({ run, loop, operations }) => {
    const waiting = Promise.withResolvers<void>();
    loop.ready = () => {
      waiting.resolve();
      return new Promise(() => undefined);
    };
    const stopped = run({});
    await waiting.promise;
    operations.stopWaiting();
    assertEquals((await stopped).code, 0);
  }));

Deno.test("CniOperations ADD without any node state fails with code 11 and takes nothing", () =>
  withWorld(async ({ run, loop, journal, pods }) => {
    loop.items = undefined;
    const { code, output } = await run({});
    assertEquals([code, output.code], [1, 11]);
    assertEquals([journal.ledger.assigned.size, pods.calls.length], [0, 0]);
  }));

Deno.test("CniOperations ADD asks for a block only when its own are full, and once for all who wait", () =>
  withWorld(async ({ run, server, loop }) => {
    loop.items = stateWith([]);
    server.answer = (command) =>
      command.command === "RequestBlock"
        ? { result: "done", position: 7, block: "10.0.1.0/30" }
        : { result: "done", position: 8 };
    const results = await Promise.all(
      ["a", "b"].map((pod, index) =>
        run({ containerId: `c${index + 1}`, netns: `/run/netns/c${index + 1}`, args: podArgs(pod) })
      ),
    );
    assertEquals(results.map(({ output }) => addressOf(output)).sort(), ["10.0.1.0/32", "10.0.1.1/32"]);
    assertEquals(server.told.filter((name) => name === "RequestBlock").length, 1);
    loop.position = 7;
    loop.items = stateWith(["10.0.1.0/30"]);
    const third = await run({ containerId: "c3", netns: "/run/netns/c3", args: podArgs("c") });
    assertEquals(addressOf(third.output), "10.0.1.2/32");
    assertEquals(server.told.filter((name) => name === "RequestBlock").length, 1);
  }));

Deno.test("CniOperations ADD tells everything before it asks for a block", () =>
  withWorld(async ({ run, server, loop }) => {
    loop.items = stateWith(["10.0.0.0/32"]);
    server.away = true;
    await run({});
    server.away = false;
    server.answer = (command) =>
      command.command === "RequestBlock"
        ? { result: "done", position: 7, block: "10.0.1.0/30" }
        : { result: "done", position: 8 };
    await run({ containerId: "c2", netns: "/run/netns/c2", args: podArgs("b") });
    assertEquals(server.told.slice(0, 3), ["AssignAddress", "BindEndpoint", "RequestBlock"]);
  }));

Deno.test("CniOperations ADD without a free address fails with code 11 and the server's reason", () =>
  withWorld(async ({ run, server, loop, journal }) => {
    loop.items = stateWith([]);
    server.answer = () => ({ result: "refused", reason: "Conflict", message: "No free block in any pool" });
    const refused = await run({});
    assertEquals([refused.output.code, refused.output.details], [11, "No free block in any pool"]);
    server.away = true;
    const away = await run({});
    assertEquals([away.output.code, away.output.details], [11, "Server is away"]);
    assertEquals(journal.ledger.assigned.size, 0);
  }));

Deno.test("CniOperations ADD gives no address out of a pool that is disabled or not for this node", () =>
  withWorld(async ({ run, server, loop }) => {
    server.answer = () => ({ result: "refused", reason: "Conflict", message: "none" });
    for (const pool of [{ disabled: true }, { allocatable: false }]) {
      loop.items = stateWith(["10.0.0.0/30"], pool);
      assertEquals((await run({})).output.code, 11, JSON.stringify(pool));
    }
  }));

Deno.test("CniOperations ADD passes over addresses that endpoints of the node state have", () =>
  withWorld(async ({ run, loop }) => {
    loop.items?.set("endpoint:shop/old", {
      kind: "endpoint",
      id: "shop/old",
      workload: "shop/old",
      interfaceName: "cali00000000000",
      mac: undefined,
      addresses: ["10.0.0.0"],
      containerId: "c0",
      ingress: { tiers: [], profiles: [] },
      egress: { tiers: [], profiles: [] },
    });
    assertEquals(addressOf((await run({})).output), "10.0.0.1/32");
  }));

Deno.test("CniOperations ADD gives the address back when the interface cannot be made", () =>
  withWorld(async ({ run, pods, journal, server }) => {
    for (const [retry, code] of [["backoff", 11], ["never", 5]] as const) {
      pods.failure = kernelError("Cannot make the link", retry);
      const { output } = await run({});
      assertEquals(output.code, code);
      assertStringIncludes(String(output.details), "Cannot make the link");
      assertEquals([journal.ledger.assigned.size, journal.ledger.bindings.size], [0, 0]);
    }
    await server.until(() => server.told.length === 4);
    assertEquals(server.told, ["AssignAddress", "ReleaseAddress", "AssignAddress", "ReleaseAddress"]);
  }));

Deno.test("CniOperations ADD undoes everything when the server refuses the sandbox, and tries another address next", () =>
  withWorld(async ({ run, pods, journal, server, loop }) => {
    loop.ready = (_, signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve("pending")));
    server.answer = (command) =>
      command.command === "AssignAddress"
        ? { result: "refused", reason: "Conflict", message: '"net.c9" has it' }
        : { result: "done", position: 1 };
    const { output } = await run({});
    assertEquals([output.code, output.details], [11, 'assign: Conflict: "net.c9" has it']);
    assertEquals([journal.ledger.assigned.size, journal.ledger.bindings.size, pods.made.size], [0, 0, 0]);
    server.answer = () => ({ result: "done", position: 1 });
    loop.ready = () => Promise.resolve("ready");
    assertEquals(addressOf((await run({})).output), "10.0.0.1/32");
  }));

Deno.test("CniOperations DEL removes the interface, then releases; again it changes nothing", () =>
  withWorld(async ({ run, pods, journal, server }) => {
    await run({});
    const { code, output } = await run({ command: "DEL", netns: "" });
    assertEquals([code, output], [0, {}]);
    assertEquals([journal.ledger.assigned.size, journal.ledger.bindings.size, pods.made.size], [0, 0, 0]);
    await server.until(() => server.told.length === 4);
    assertEquals(server.told.slice(2), ["UnbindEndpoint", "ReleaseAddress"]);
    assertEquals((await run({ command: "DEL", netns: "" })).code, 0);
    assertEquals((await run({ command: "DEL", containerId: "never", args: "" })).code, 0);
    assertEquals(server.told.length, 4);
  }));

Deno.test("CniOperations DEL finds the Pod by the container when the runtime does not name it", () =>
  withWorld(async ({ run, pods, journal }) => {
    await run({});
    await run({ command: "DEL", netns: "", args: "" });
    assertEquals([journal.ledger.assigned.size, pods.made.size], [0, 0]);
  }));

Deno.test("CniOperations DEL is answered while the server is away", () =>
  withWorld(async ({ run, server, journal }) => {
    await run({});
    server.away = true;
    assertEquals((await run({ command: "DEL" })).code, 0);
    assertEquals(journal.ledger.assigned.size, 0);
    assertEquals(journal.owed.at(-1)?.record.kind, "release");
  }));

Deno.test("CniOperations DEL of an older sandbox leaves the newer one's interface, and frees the older one's address", () =>
  withWorld(async ({ run, pods, journal, server }) => {
    await run({});
    await run({ containerId: "c2", netns: "/run/netns/c2" });
    assertEquals(pods.made.get(HOST_INTERFACE)?.netns, "/run/netns/c2");
    await run({ command: "DEL" });
    assertEquals(pods.made.get(HOST_INTERFACE)?.netns, "/run/netns/c2");
    assertEquals([...journal.ledger.assigned.keys()], ["10.0.0.1"]);
    assertEquals(journal.ledger.bindings.get("shop/web")?.containerId, "c2");
    await server.until(() => server.told.length === 6);
    assertEquals(server.told, [
      "AssignAddress",
      "BindEndpoint",
      "AssignAddress",
      "UnbindEndpoint",
      "BindEndpoint",
      "ReleaseAddress",
    ]);
  }));

Deno.test("CniOperations DEL keeps the address while the interface cannot be removed", () =>
  withWorld(async ({ run, pods, journal }) => {
    await run({});
    pods.failure = kernelError("Cannot delete the link", "backoff", "delete");
    assertEquals((await run({ command: "DEL" })).output.code, 11);
    assertEquals(journal.ledger.assigned.size, 1);
  }));

Deno.test("CniOperations remembers its sandboxes over a restart", async () => {
  const directory = await Deno.makeTempDir({ prefix: "tortie-cni-" });
  try {
    await withWorld(async ({ run }) => void await run({}), { directory });
    await withWorld(async ({ run, journal }) => {
      const second = await run({ containerId: "c2", netns: "/run/netns/c2", args: podArgs("b") });
      assertEquals(addressOf(second.output), "10.0.0.1/32");
      assertEquals((await run({ command: "DEL", netns: "", args: "" })).code, 0);
      assertEquals([...journal.ledger.assigned.keys()], ["10.0.0.1"]);
    }, { directory });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("CniOperations CHECK compares result, interfaces and route with what was made", () =>
  withWorld(async ({ run, pods }) => {
    const added = await run({});
    const config = { ...CONFIG, prevResult: added.output };
    assertEquals(await run({ command: "CHECK", config }), { code: 0, output: {} });
    const other = { ...CONFIG, prevResult: { ips: [{ address: "10.9.9.9/32" }] } };
    assertStringIncludes(String((await run({ command: "CHECK", config: other })).output.details), "10.9.9.9");
    pods.made.clear();
    const gone = await run({ command: "CHECK", config });
    assertEquals(gone.output.code, 100);
    assertStringIncludes(String(gone.output.details), "Route 10.0.0.0/32");
    assertEquals((await run({ command: "CHECK", config: CONFIG })).output.code, 7);
    assertEquals((await run({ command: "CHECK", containerId: "c9", config })).output.code, 3);
  }));

Deno.test("CniOperations GC removes what the runtime does not name, in its own network only", () =>
  withWorld(async ({ run, journal, pods }) => {
    await run({});
    await run({ containerId: "c2", netns: "/run/netns/c2", args: podArgs("b") });
    const elsewhere = { ...CONFIG, name: "other" };
    await run({ containerId: "c3", netns: "/run/netns/c3", args: podArgs("c"), config: elsewhere });
    const config = { ...CONFIG, cniVersion: "1.1.0", "cni.dev/valid-attachments": [{ containerID: "c2" }] };
    assertEquals((await run({ command: "GC", config })).code, 0);
    assertEquals([...journal.ledger.assigned.values()].map(({ handle }) => handle), ["net.c2", "other.c3"]);
    assertEquals(pods.made.size, 2);
    assertEquals((await run({ command: "GC", config: CONFIG })).output.code, 7);
  }));

Deno.test("CniOperations STATUS and VERSION", () =>
  withWorld(async ({ run, loop }) => {
    assertEquals((await run({ command: "STATUS" })).code, 0);
    loop.items = undefined;
    assertEquals((await run({ command: "STATUS" })).output.code, 50);
    assertEquals((await run({ command: "VERSION" })).output.cniVersion, "1.0.0");
  }));

Deno.test("CniOperations refuses bad requests before anything is taken", () =>
  withWorld(async ({ run, journal, pods }) => {
    const cases: readonly { name: string; request: Partial<CniRequest>; code: number }[] = [
      { name: "no Pod", request: { args: "" }, code: 4 },
      { name: "no netns", request: { netns: "" }, code: 4 },
      { name: "version", request: { config: { ...CONFIG, cniVersion: "0.1.0" } }, code: 1 },
      { name: "ipv6", request: { config: { ...CONFIG, ipam: { assign_ipv6: "true" } } }, code: 2 },
      { name: "no config", request: { config: null }, code: 6 },
    ];
    for (const { name, request, code } of cases) assertEquals((await run(request)).output.code, code, name);
    assertEquals([journal.ledger.assigned.size, pods.calls.length], [0, 0]);
    const removable = { ...CONFIG, ipam: { assign_ipv6: "true" } };
    assertEquals((await run({ command: "DEL", config: removable })).code, 0);
  }));
