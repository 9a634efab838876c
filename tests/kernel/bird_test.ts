/** Real BIRD on two nodes that are network namespaces joined by a cable. @module */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { BirdDesired } from "#/agents/bird/desired.ts";
import { type BirdDriver, createBirdDriver } from "#/agents/bird/driver.ts";
import { type Kernel, ROUTE_PROTOCOLS } from "#/agents/kernel/kernel.ts";
import { meshOfTwo, meshPeer, poolItem } from "#tests/support/bird_items.ts";
import { withNetns } from "#tests/support/netns.ts";
import { findProgram, kernelTest } from "#tests/support/requires.ts";
import { eventually } from "#tests/support/program.ts";

const [ADDRESS_A, ADDRESS_B] = ["10.9.0.1", "10.9.0.2"];
/** Bound of every wait; the slowest thing waited for, a session found again after its peer was killed, takes about 3 s. */
const WAIT_MS_MAX = 20_000;

interface Node {
  readonly kernel: Kernel;
  readonly folder: string;
  /** Starts a driver, as a starting agent does. */
  readonly drive: () => Promise<BirdDriver>;
}

async function withTwoNodes(body: (a: Node, b: Node) => Promise<void>): Promise<void> {
  await withNetns(async ({ path, kernel, folder, make, open }) => {
    const otherPath = await make("other");
    const other = open(otherPath);
    await kernel.links.create({ type: "veth", name: "fab0", up: true, peer: { name: "fab0", netns: otherPath } });
    await other.links.change("fab0", { up: true });
    await kernel.addresses.add("fab0", `${ADDRESS_A}/24`);
    await other.addresses.add("fab0", `${ADDRESS_B}/24`);
    const node = (kernel: Kernel, netns: string, name: string): Node => {
      const command = ["nsenter", `--net=${netns}`, "--", findProgram("bird")!];
      return {
        kernel,
        folder: `${folder}/${name}`,
        drive: () => createBirdDriver({ directory: `${folder}/${name}`, command }),
      };
    };
    await body(node(kernel, path, "bird-a"), node(other, otherPath, "bird-b"));
  });
}

const wantA = (changes: Partial<BirdDesired> = {}) =>
  meshOfTwo(ADDRESS_A, ADDRESS_B, { blocks: ["192.168.1.0/26"], ...changes });
const wantB = (changes: Partial<BirdDesired> = {}) =>
  meshOfTwo(ADDRESS_B, ADDRESS_A, { blocks: ["192.168.2.0/26"], ...changes });

/** Destinations that BIRD has put into a kernel, sorted. */
async function learned(kernel: Kernel): Promise<readonly string[]> {
  const routes = await kernel.routes.dump({ protocols: [ROUTE_PROTOCOLS.bird] });
  return routes.map((route) => route.destination).sort();
}

async function untilLearned(kernel: Kernel, ...expected: readonly string[]): Promise<void> {
  let seen: readonly string[] = [];
  await eventually(`routes ${expected.join(", ")}`, WAIT_MS_MAX, async () => {
    seen = await learned(kernel);
    return seen.join() === expected.join();
  }).catch((error) => {
    throw new Error(`${error.message}: the kernel has ${seen.join(", ") || "none"}`);
  });
}

kernelTest(
  "BirdDriver announces own blocks and puts others' into the kernel",
  ["root", "bird", "nsenter"],
  () =>
    withTwoNodes(async (a, b) => {
      await using birdA = await a.drive();
      await using birdB = await b.drive();
      assertEquals((await birdA.apply(wantA())).kind, "started");
      assertEquals((await birdB.apply(wantB())).kind, "started");
      await untilLearned(a.kernel, "192.168.2.0/26");
      await untilLearned(b.kernel, "192.168.1.0/26");
      const route = (await a.kernel.routes.dump({ protocols: [ROUTE_PROTOCOLS.bird] }))[0];
      assertEquals([route?.gateway, route?.linkName], [ADDRESS_B, "fab0"]);
      const { sessions, differences } = await birdA.observe();
      assertEquals([sessions, differences], [
        [{ id: "Mesh_10_9_0_2", isEstablished: true, info: "Established" }],
        [],
      ]);
      assertEquals((await birdA.apply(wantA())).kind, "unchanged");

      const more = wantB({ blocks: ["192.168.2.0/26", "192.168.7.0/26"] });
      assertEquals((await birdB.apply(more)).kind, "configured");
      await untilLearned(a.kernel, "192.168.2.0/26", "192.168.7.0/26");
      await birdB.apply(wantB({ blocks: ["192.168.7.0/26"] }));
      await untilLearned(a.kernel, "192.168.7.0/26");
      assertEquals((await birdA.observe()).sessions[0]?.isEstablished, true, "the session outlives new configurations");
    }),
);

kernelTest(
  "BirdDriver announces of the agent's own routes only what peers must know",
  ["root", "bird", "nsenter"],
  () =>
    withTwoNodes(async (a, b) => {
      for (const name of ["cali1", "tunnel1"]) {
        await a.kernel.links.create({ type: "veth", name, up: true, peer: { name: `${name}p` } });
        await a.kernel.links.change(`${name}p`, { up: true });
      }
      const own = { protocol: ROUTE_PROTOCOLS.tortie };
      await a.kernel.routes.apply([
        { kind: "add", route: { ...own, destination: "192.168.1.0/26", type: "blackhole" } },
        { kind: "add", route: { ...own, destination: "192.168.1.5/32", linkName: "cali1" } },
        { kind: "add", route: { ...own, destination: "192.168.9.9/32", linkName: "cali1" } },
        { kind: "add", route: { ...own, destination: "192.168.8.0/26", linkName: "tunnel1" } },
        { kind: "add", route: { ...own, destination: "172.16.0.1/32", linkName: "cali1" } },
      ]);
      await using birdA = await a.drive();
      await using birdB = await b.drive();
      await birdA.apply(wantA({ blocks: ["192.168.1.0/26", "192.168.9.9/32"] }));
      await birdB.apply(wantB({ blocks: [] }));
      await untilLearned(b.kernel, "192.168.1.0/26", "192.168.9.9/32");
      assertEquals((await birdB.routes()).filter((route) => route.protocol.startsWith("Mesh")).length, 2, "each once");
      const kept = await a.kernel.routes.dump({ protocols: [ROUTE_PROTOCOLS.tortie] });
      assertEquals([kept.length, await learned(a.kernel)], [5, []]);
    }),
);

kernelTest(
  "BirdDriver keeps out of the kernel what the pools say",
  ["root", "bird", "nsenter"],
  () =>
    withTwoNodes(async (a, b) => {
      await using birdA = await a.drive();
      await using birdB = await b.drive();
      const blocks = ["10.4.0.0/26", "10.5.0.0/26", "10.6.0.0/26", "192.168.2.0/26"];
      const plain = [
        poolItem("default", "192.168.0.0/16"),
        poolItem("four", "10.4.0.0/16"),
        poolItem("five", "10.5.0.0/16"),
      ];
      const tunnelled = plain.map((pool) => pool.id === "four" ? { ...pool, vxlanMode: "Always" as const } : pool);
      await birdB.apply(wantB({ blocks, pools: plain }));
      await birdA.apply(wantA({ pools: plain }));
      await untilLearned(a.kernel, "10.4.0.0/26", "10.5.0.0/26", "192.168.2.0/26");
      await birdA.apply(wantA({ pools: tunnelled }));
      await untilLearned(a.kernel, "10.5.0.0/26", "192.168.2.0/26");
      await birdA.apply(wantA({ pools: plain.slice(0, 2) }));
      await untilLearned(a.kernel, "10.4.0.0/26", "192.168.2.0/26");
      await birdB.apply(
        wantB({ blocks, pools: plain.map((pool) => ({ ...pool, disableBGPExport: pool.id === "four" })) }),
      );
      await untilLearned(a.kernel, "192.168.2.0/26");
    }),
);

kernelTest(
  "BirdDriver leaves the old configuration running when BIRD refuses the new one",
  ["root", "bird", "nsenter"],
  () =>
    withTwoNodes(async (a, b) => {
      await using birdA = await a.drive();
      await using birdB = await b.drive();
      const bad = wantA({ peers: [meshPeer(ADDRESS_A, ADDRESS_B, { port: 70_000 })] });
      const first = await birdA.apply(bad);
      assertEquals([first.kind, (await birdA.observe()).pid], ["refused", undefined]);
      await birdA.apply(wantA());
      await birdB.apply(wantB());
      await untilLearned(a.kernel, "192.168.2.0/26");
      const { pid } = await birdA.observe();
      const refused = await birdA.apply(bad);
      assert(refused.kind === "refused");
      assertStringIncludes(refused.message, "Invalid port number");
      assertEquals(await birdA.observe(), {
        pid,
        sessions: [{ id: "Mesh_10_9_0_2", isEstablished: true, info: "Established" }],
        differences: [],
      });
      assertEquals((await birdA.apply(wantA())).kind, "unchanged");
      assertEquals(await learned(a.kernel), ["192.168.2.0/26"]);
    }),
);

kernelTest("BirdDriver starts a BIRD that was killed again, and no route is lost meanwhile", [
  "root",
  "bird",
  "nsenter",
], () =>
  withTwoNodes(async (a, b) => {
    await using birdA = await a.drive();
    await using birdB = await b.drive();
    await birdA.apply(wantA());
    await birdB.apply(wantB());
    await untilLearned(a.kernel, "192.168.2.0/26");
    await untilLearned(b.kernel, "192.168.1.0/26");
    const lost: string[] = [];
    const watching = new AbortController();
    const watches = [a, b].map(async ({ kernel }) => {
      for await (const change of kernel.watch(watching.signal)) {
        if (change.kind === "route" && change.action === "removed") lost.push(change.route.destination);
      }
    });
    const before = await birdA.observe();
    assert(before.pid !== undefined);
    Deno.kill(before.pid, "SIGKILL");
    await eventually("another BIRD with its session", WAIT_MS_MAX, async () => {
      const now = await birdA.observe().catch(() => undefined);
      if (now !== undefined) lost.push(...now.differences);
      return now?.pid !== undefined && now.pid !== before.pid && now.sessions[0]?.isEstablished === true;
    });
    await eventually("recovery", WAIT_MS_MAX, async () =>
      (await birdA.routes()).some((route) =>
        route.destination === "192.168.2.0/26"
      ));
    watching.abort();
    await Promise.all(watches);
    assertEquals(lost, ["BIRD ended and is started again"]);
    assertEquals([await learned(a.kernel), await learned(b.kernel)], [["192.168.2.0/26"], ["192.168.1.0/26"]]);
    assertEquals((await birdA.apply(wantA())).kind, "unchanged");
  }));

kernelTest("BirdDriver finds its BIRD again after the agent was killed, and recovers the routes after a stop", [
  "root",
  "bird",
  "nsenter",
], () =>
  withTwoNodes(async (a, b) => {
    await using birdB = await b.drive();
    await birdB.apply(wantB());
    // The agent that is killed: its driver is left as it is.
    const killed = await a.drive();
    await killed.apply(wantA());
    await untilLearned(a.kernel, "192.168.2.0/26");
    const { pid } = await killed.observe();
    {
      await using adopted = await a.drive();
      assertEquals((await adopted.apply(wantA())).kind, "configured");
      const now = await adopted.observe();
      assertEquals([now.pid, now.sessions[0]?.isEstablished], [pid, true]);
    }
    await killed.stop("keepRoutes");
    assertEquals([await learned(a.kernel), await learned(b.kernel)], [["192.168.2.0/26"], ["192.168.1.0/26"]]);

    const again = await a.drive();
    assertEquals((await again.apply(wantA())).kind, "started");
    await eventually("session", WAIT_MS_MAX, async () => (await again.observe()).sessions[0]?.isEstablished === true);
    assertEquals([await learned(a.kernel), await learned(b.kernel)], [["192.168.2.0/26"], ["192.168.1.0/26"]]);
    await again.stop("withdraw");
    await untilLearned(b.kernel);
    assertEquals((await again.observe()).pid, undefined);
  }));

kernelTest(
  "BirdDriver sees sessions that somebody else took away, and puts them back",
  ["root", "bird", "nsenter"],
  () =>
    withTwoNodes(async (a) => {
      await using bird = await a.drive();
      await bird.apply(wantA());
      const config = `${a.folder}/bird.conf`;
      const text = await Deno.readTextFile(config);
      await Deno.writeTextFile(config, text.replaceAll("Mesh_10_9_0_2", "Mesh_10_9_0_3"));
      await new Deno.Command(findProgram("birdc") ?? "birdc", { args: ["-s", bird.socket, "configure"] }).output();
      const { differences } = await bird.observe();
      assertEquals(differences, ["missing session Mesh_10_9_0_2", "foreign session Mesh_10_9_0_3"]);
      assertEquals((await bird.apply(wantA())).kind, "configured");
      assertEquals((await bird.observe()).differences, []);
      assertEquals(await Deno.readTextFile(config), text);
    }),
);
