/** The CNI operations against the real decisions and fold of a server in memory: what both sides believe must agree. @module */
import { assert, assertEquals } from "@std/assert";
import { OperationalError } from "#/base/errors.ts";
import { systemRandom } from "#/base/ports.ts";
import { type CommandPort, startDrain } from "#/agents/cni/drain.ts";
import { type Journal, openJournal } from "#/agents/cni/journal.ts";
import { CniOperations } from "#/agents/cni/operations.ts";
import type { CniCommand } from "#/agents/cni/protocol.ts";
import type { NodeCommand, NodeCommandResult } from "#/sync/reports.ts";
import { decideNodeCommand } from "#/server/decide/node_commands.ts";
import { MemoryBackend } from "#tests/support/memory_backend.ts";
import { FakeLoop, FakePods, stateWith } from "./fake_node.ts";

/** The way to a server, which may be away or lose answers. */
class Wire implements CommandPort {
  away = false;
  loseAnswers = 0;
  constructor(private readonly backend: MemoryBackend, private readonly node: string) {}

  #watchers: (() => void)[] = [];

  async submit(commands: readonly NodeCommand[]): Promise<readonly NodeCommandResult[]> {
    if (this.away) throw failed("Server is away");
    const results: NodeCommandResult[] = [];
    for (const command of commands) results.push(await this.#one(command));
    for (const watcher of this.#watchers.splice(0)) watcher();
    if (this.loseAnswers > 0) {
      this.loseAnswers -= 1;
      throw failed("Answer is lost");
    }
    return results;
  }

  /** Waits for the end of the next batch that is carried out. */
  nextSubmission(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#watchers.push(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  async #one(command: NodeCommand): Promise<NodeCommandResult> {
    const context = {
      actor: { user: `system:node:${this.node}`, groups: ["system:nodes"], authMethod: "token" },
      source: { via: "agent" },
      requestId: systemRandom.uuid(),
    } as const;
    const inputs = { now: "2026-01-01T00:00:00.000Z", uuid: () => systemRandom.uuid() };
    const decision = decideNodeCommand(this.backend.current(), this.node, command, context, inputs);
    const outcome = await this.backend.submit({ context, body: { kind: "NodeCommand", node: this.node, command } });
    if (outcome.kind === "rejected") return { result: "refused", reason: outcome.reason, message: outcome.message };
    const block = decision.kind === "accepted" ? decision.node?.block : undefined;
    return { result: "done", position: outcome.position, block };
  }
}

interface Side {
  readonly wire: Wire;
  readonly journal: Journal;
  readonly pods: FakePods;
  run(command: CniCommand, container: string, pod: string): Promise<{ code: number; address: string | undefined }>;
  /** Waits until the server knows everything. */
  settled(): Promise<void>;
}

async function withNode(backend: MemoryBackend, node: string, body: (side: Side) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "tortie-cni-" });
  const wire = new Wire(backend, node);
  const pods = new FakePods();
  const loop = new FakeLoop();
  loop.nodeState = () => {
    const blocks = [...backend.current().blocks.values()].filter((block) => block.node === node);
    return { items: stateWith(blocks.map((block) => block.cidr)), position: backend.current().position };
  };
  // As the loop does it: ready when the server's answer has come back as node state, pending when the server is away.
  loop.endpointReady = async (namespace, pod, containerId, signal) => {
    const isBound = () => backend.current().bindings.get(`${namespace}/${pod}`)?.containerId === containerId;
    while (!isBound() && !wire.away && !signal.aborted) await wire.nextSubmission(signal);
    return isBound() ? "ready" : "pending";
  };
  try {
    await using journal = await openJournal(directory);
    await using drain = startDrain({ journal, commands: wire });
    const routes = { dump: () => Promise.resolve(pods.routes()) };
    const deps = { node, journal, drain, commands: wire, loop, random: systemRandom, pods, routes };
    const operations = new CniOperations(deps, { mtu: 1500 });
    await body({
      wire,
      journal,
      pods,
      settled: () => drain.flush().catch(() => drain.flush()),
      run: async (command, container, pod) => {
        const netns = `/run/netns/${container}`;
        pods.namespaces.add(netns);
        const args = `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod}`;
        const config = { cniVersion: "1.0.0", name: "net" };
        const request = { command, containerId: container, netns, ifName: "eth0", args, config };
        const { code, stdout } = await operations.handle(request);
        return { code, address: /"address":"([^/]+)/.exec(stdout)?.[1] };
      },
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function failed(message: string): OperationalError {
  return new OperationalError(message, { operation: "submit", subject: "server", retry: "backoff" });
}

async function backendWithNodes(...nodes: readonly string[]): Promise<MemoryBackend> {
  const backend = await MemoryBackend.create();
  for (const name of nodes) {
    const outcome = await backend.submit({
      context: {
        actor: { user: "admin", groups: [], authMethod: "none" },
        source: { via: "api" },
        requestId: `node-${name}`,
      },
      body: {
        kind: "CreateObject",
        ref: { group: "", plural: "nodes", namespace: "", name },
        object: { apiVersion: "v1", kind: "Node", metadata: { name } },
        options: { dryRun: false, fieldManager: "test", fieldValidation: "Strict" },
      },
    });
    assert(outcome.kind === "committed", JSON.stringify(outcome));
  }
  return backend;
}

/** What the server believes of a node must be what its journal says. */
function assertAgree(backend: MemoryBackend, node: string, journal: Journal): void {
  const { addresses, bindings } = backend.current();
  const handles = (all: Iterable<{ address: string; handle: string; node: string }>) =>
    [...all].filter((each) => each.node === node).map(({ address, handle }) => `${address} ${handle}`).sort();
  assertEquals(handles(addresses.values()), handles(journal.ledger.assigned.values()));
  const containers = (all: Iterable<{ pod: string; containerId: string; node: string }>) =>
    [...all].filter((each) => each.node === node).map(({ pod, containerId }) => `${pod} ${containerId}`).sort();
  assertEquals(containers(bindings.values()), containers(journal.ledger.bindings.values()));
}

Deno.test("CniOperations and the server agree on addresses and sandboxes, two nodes side by side", async () => {
  await using backend = await backendWithNodes("node1", "node2");
  await withNode(backend, "node1", async (one) => {
    await withNode(backend, "node2", async (two) => {
      const a = await one.run("ADD", "c1", "web");
      const b = await two.run("ADD", "c2", "db");
      assertEquals([a.code, b.code], [0, 0]);
      assert(a.address !== b.address);
      await one.run("ADD", "c3", "web");
      await one.run("DEL", "c1", "web");
      await two.run("DEL", "c2", "db");
      await Promise.all([one.settled(), two.settled()]);
      assertAgree(backend, "node1", one.journal);
      assertAgree(backend, "node2", two.journal);
      assertEquals([...backend.current().bindings.keys()], ["default/web"]);
      assertEquals(backend.current().blocks.size, 2);
    });
  });
});

Deno.test("CniOperations and the server agree after lost answers and an absence", async () => {
  await using backend = await backendWithNodes("node1");
  await withNode(backend, "node1", async ({ run, wire, journal, settled }) => {
    assertEquals((await run("ADD", "c1", "a")).code, 0);
    wire.loseAnswers = 1;
    await run("DEL", "c1", "a");
    await run("ADD", "c2", "a");
    wire.away = true;
    await run("DEL", "c2", "a");
    await run("ADD", "c3", "a");
    await run("ADD", "c4", "b");
    await run("ADD", "c5", "b");
    await run("DEL", "c4", "b");
    wire.away = false;
    wire.loseAnswers = 2;
    await settled().catch(settled);
    assertEquals(journal.owed, []);
    assertAgree(backend, "node1", journal);
    assertEquals([...backend.current().bindings.values()].map((binding) => binding.containerId).sort(), ["c3", "c5"]);
  });
});

Deno.test("CniOperations fills one block and gets the next when it is full", async () => {
  await using backend = await backendWithNodes("node1");
  await withNode(backend, "node1", async ({ run, journal, settled }) => {
    const pods = Array.from({ length: 66 }, (_, index) => index);
    for (const index of pods) assertEquals((await run("ADD", `c${index}`, `p${index}`)).code, 0, `pod ${index}`);
    await settled();
    assertEquals(backend.current().blocks.size, 2);
    assertEquals(journal.ledger.assigned.size, 66);
    assertAgree(backend, "node1", journal);
  });
});

Deno.test("CniOperations with a lost journal meets the server's refusal and finds a free address", async () => {
  await using backend = await backendWithNodes("node1");
  await withNode(backend, "node1", async ({ run, settled }) => {
    await run("ADD", "c1", "a");
    await settled();
  });
  await withNode(backend, "node1", async ({ run, journal, settled }) => {
    // The server knows who has the first address; the journal does not.
    assertEquals(await run("ADD", "c2", "b"), { code: 1, address: undefined });
    assertEquals((await run("ADD", "c2", "b")).code, 0);
    await settled();
    assertEquals([...journal.ledger.assigned.values()].map(({ handle }) => handle), ["net.c2"]);
    const handles = [...backend.current().addresses.values()].map(({ handle }) => handle);
    assertEquals(handles.sort(), ["net.c1", "net.c2"]);
  });
});
