/**
 * The lab end to end, on real kernels: pods through CNI, policies enforced on real connections and explained alike, routes through BIRD, drift repaired, agents and
 * server killed without harm, and nothing left. One lab serves all steps, in order.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openKernel } from "#/agents/kernel/linux_kernel.ts";
import { labNamespaces } from "#/lab/fabric.ts";
import { findKubectl, runKubectl } from "#/lab/kubectl.ts";
import { labPaths } from "#/lab/lab_paths.ts";
import { isJsonObject } from "#/base/json.ts";
import { Lab, withLab } from "#tests/support/lab.ts";
import { eventually, processesNaming, run } from "#tests/support/program.ts";
import { kernelTest } from "#tests/support/requires.ts";

/** What the issue allows a repair to take. */
const REPAIR_MS_MAX = 2_000;

const POLICY = { apiVersion: "projectcalico.org/v3" };

/** A Pod as a user writes it, without a node. */
const POD_YAML = `apiVersion: v1
kind: Pod
metadata: {name: plain, namespace: shop}
spec: {containers: [{name: main, image: any}]}
`;

function exists(path: string): boolean {
  try {
    return Deno.statSync(path) !== undefined;
  } catch {
    return false;
  }
}

async function podOf(lab: Lab, name: string) {
  const pod = (await lab.info()).pods.find((one) => one.name === name);
  assert(pod !== undefined, `no pod "${name}"`);
  return pod;
}

/** Every pair of pods: what `explain` says and what a real connection does. */
async function compareWithExplain(lab: Lab, expected: Readonly<Record<string, boolean>>): Promise<void> {
  const { pods } = await lab.info();
  for (const [pair, allowed] of Object.entries(expected)) {
    const [from, to] = pair.split(" -> ");
    const [source, target] = [from, to].map((name) => pods.find((pod) => pod.name === name)!);
    const { code, answer } = await lab.ask("explain", `shop/${from}`, `shop/${to}:80/tcp`);
    const verdict = isJsonObject(answer) ? answer.verdict : undefined;
    assertEquals([pair, verdict, code], [pair, allowed ? "allow" : "deny", allowed ? 0 : 1]);
    assertEquals([pair, await lab.connects(source!.netns, `http://${target!.address}/`)], [pair, allowed]);
  }
}

/** Lines sent through the connection while the agent is away, and the pause between them. */
const LINES = 150;
const LINE_PAUSE_US = 20_000;

/** Kills the agent of the sender's node in the middle of a connection between two nodes. */
async function killAgent(lab: Lab, signal: Deno.Signal): Promise<void> {
  const name = `peer-${signal.toLowerCase()}`;
  await lab.must("run", name, "--namespace", "shop", "--node", "node3");
  await lab.must("run", `${name}-from`, "--namespace", "shop", "--node", "node2");
  const [to, from] = [await podOf(lab, name), await podOf(lab, `${name}-from`)];
  await lab.level();
  await using node2 = openKernel({ netns: (await lab.info()).nodes[1]!.netns });
  const generation = node2.nft.generation();
  const logged = lab.logOf("node2").length;
  await using stack = new AsyncDisposableStack();
  const echo = nsenter(to.netns, ["busybox", "nc", "-ll", "-p", "9000", "-e", "busybox", "cat"]).spawn();
  stack.defer(async () => {
    echo.kill("SIGKILL");
    await echo.status;
  });
  await eventually(
    "the echo server to listen",
    5_000,
    async () => (await lab.inside(to.netns, "ss", "-ltn")).includes(":9000"),
  );
  const sender =
    `for i in $(seq 1 ${LINES}); do echo $i; busybox usleep ${LINE_PAUSE_US}; done | busybox nc ${to.address} 9000`;
  const stream = nsenter(from.netns, ["sh", "-c", sender]).output();
  const pidOf = async () => (await lab.info()).nodes[1]!.pid;
  const old = await pidOf();
  Deno.kill(old, signal);
  await eventually("the agent to be started again", 10_000, async () => await pidOf() !== old);
  await eventually(
    "the agent to follow the server again",
    10_000,
    () => lab.logOf("node2").slice(logged).includes("Follows the server"),
  );
  const echoed = new TextDecoder().decode((await stream).stdout).trim().split("\n");
  assertEquals(echoed, Array.from({ length: LINES }, (_, at) => String(at + 1)));
  await lab.level();
  assertEquals(node2.nft.generation(), generation, "an agent that finds everything as it should be writes nothing");
  assertEquals(lab.logOf("node2").slice(logged).match(/(missing|foreign|changed) /g), null);
}

function nsenter(netns: string, command: readonly string[]): Deno.Command {
  return new Deno.Command("nsenter", {
    args: [`--net=${netns}`, ...command],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  });
}

/** Steps on one lab, in this order. */
const STEPS: Readonly<Record<string, (lab: Lab) => Promise<void>>> = {
  "info names nodes and external; paths are absolute": async (lab) => {
    const info = await lab.info();
    assertEquals(info.nodes.map(({ name }) => name), ["node1", "node2", "node3"]);
    for (const node of info.nodes) {
      assert(node.netns.startsWith("/") && node.birdSocket.startsWith("/") && node.pid > 0);
      assert(Deno.statSync(node.birdSocket).isSocket);
    }
    assert(info.kubeconfig.startsWith("/") && info.external.url.startsWith("http://"));
    assertEquals(info.pods, []);
  },

  "run makes pods on the node asked for, in a namespace that exists only": async (lab) => {
    const refused = await lab.command("run", "x", "--namespace", "missing");
    assert(refused.code !== 0);
    assertStringIncludes(refused.stderr, 'namespaces "missing" not found');
    await lab.send("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
    await lab.must("run", "web", "--namespace", "shop", "--node", "node1", "--labels", "app=web", "--http", "80");
    await lab.must(
      "run",
      "front",
      "--namespace",
      "shop",
      "--node",
      "node2",
      "--labels",
      "app=front,tier=a",
      "--http",
      "80",
    );
    await lab.must("run", "other", "--namespace", "shop", "--http", "80");
    assertEquals((await podOf(lab, "web")).node, "node1");
    await compareWithExplain(lab, { "front -> web": true, "other -> web": true, "web -> front": true });
  },

  "exec runs in the pod, resolves pods' names and passes the exit code on": async (lab) => {
    const { address } = await podOf(lab, "front");
    assertStringIncludes(await lab.must("exec", "shop/front", "--", "ip", "addr"), address);
    assertEquals(
      await lab.must("exec", "shop/front", "--", "wget", "-q", "-O", "-", "-T", "2", "http://web"),
      "shop/web\n",
    );
    assertEquals((await lab.command("exec", "shop/front", "--", "sh", "-c", "exit 7")).code, 7);
    assertEquals((await lab.command("exec", "shop/nobody", "--", "true")).code, 4);
  },

  "BIRD announces blocks and learns them; traffic that leaves the pools is masqueraded": async (lab) => {
    const info = await lab.info();
    const [node1, node2] = info.nodes;
    const block = (await lab.routes(node1!.netns)).find((line) => line.startsWith("blackhole"))!.split(" ")[1]!;
    const learned = (await lab.routes(node2!.netns)).find((line) => line.startsWith(block))!;
    assertStringIncludes(learned, `via ${node1!.address}`);
    assertStringIncludes(learned, "proto bird");
    const { address, netns } = await podOf(lab, "web");
    assert(await lab.connects(netns, info.external.url));
    // The server outside has no route to pods: that it answers at all shows the node's address on the packets.
    const outside = labPaths(lab.folder).netns("external");
    assertEquals((await lab.routes(outside)).filter((line) => line.includes(address.split(".")[0]!)), []);
  },

  "policies are enforced as explained, state by state, and the past can be asked": async (lab) => {
    const open = await lab.level();
    await lab.apply({
      ...POLICY,
      kind: "GlobalNetworkPolicy",
      metadata: { name: "deny" },
      spec: { selector: "has(app)", types: ["Ingress", "Egress"] },
    });
    await compareWithExplain(lab, { "front -> web": false, "web -> front": false, "other -> other": true });
    await lab.apply({
      ...POLICY,
      kind: "NetworkPolicy",
      metadata: { name: "web", namespace: "shop" },
      spec: {
        selector: "app == 'web'",
        ingress: [{
          action: "Allow",
          protocol: "TCP",
          source: { selector: "tier == 'a'" },
          destination: { ports: [80] },
        }],
      },
    });
    await compareWithExplain(lab, { "front -> web": false, "other -> web": false });
    await lab.apply({
      ...POLICY,
      kind: "NetworkPolicy",
      metadata: { name: "front", namespace: "shop" },
      spec: { selector: "app == 'front'", egress: [{ action: "Allow" }] },
    });
    await compareWithExplain(lab, { "front -> web": true, "other -> web": false, "web -> front": false });
    const past = await lab.ask("explain", "shop/other", "shop/web:80/tcp", "--at", String(open));
    assertEquals(past.code, 0);
    const { answer } = await lab.ask("explain", "shop/front", "shop/web:80/tcp");
    assert(isJsonObject(answer) && isJsonObject(answer.ingress));
    assertEquals(answer.ingress.policy, { kind: "NetworkPolicy", namespace: "shop", name: "web" });
    assertEquals([answer.ingress.rule, answer.ingress.author], [0, "tester"]);
  },

  "kubectl makes and deletes pods": async (lab) => {
    const kubectl = findKubectl();
    assert(kubectl !== undefined, "kubectl: run deno task setup");
    const { kubeconfig } = await lab.info();
    const file = `${lab.folder}/pod.yaml`;
    Deno.writeTextFileSync(file, POD_YAML);
    const run = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await runKubectl(kubectl, kubeconfig, args);
      assertEquals(code, 0, stderr);
      return stdout;
    };
    assertStringIncludes(await run("apply", "-f", file), "pod/plain created");
    await run("wait", "--for=condition=Ready", "pod/plain", "-n", "shop", "--timeout=20s");
    const { netns, address } = await podOf(lab, "plain");
    assertStringIncludes(await run("get", "workloadendpoints", "-n", "shop"), address);
    await run("delete", "pod", "plain", "-n", "shop");
    await eventually("the sandbox to go", 10_000, () => !exists(netns));
    Deno.removeSync(file);
  },

  "a relabelled pod gains what its labels give": async (lab) => {
    const { address } = await podOf(lab, "web");
    const { netns } = await podOf(lab, "other");
    assert(!await lab.connects(netns, `http://${address}/`));
    await lab.send(
      "PATCH",
      "/api/v1/namespaces/shop/pods/other",
      { metadata: { labels: { tier: "a" } } },
      "application/merge-patch+json",
    );
    await lab.level();
    assert(await lab.connects(netns, `http://${address}/`));
  },

  "drift is repaired within two seconds and recorded": async (lab) => {
    const [node1] = (await lab.info()).nodes;
    const { address } = await podOf(lab, "web");
    const driftsOf = async () =>
      (await lab.log()).filter(({ kind, name }) => kind === "Drift" && name === "node1").length;
    const rules = () => lab.inside(node1!.netns, "nft", "-s", "list", "table", "inet", "tortie");
    const sorted = (text: string) => text.split("\n").sort().join("\n");
    const before = await rules();
    const count = await driftsOf();
    await lab.inside(node1!.netns, "nft", "flush", "ruleset");
    await eventually("the ruleset to be repaired", REPAIR_MS_MAX, async () => sorted(await rules()) === sorted(before));
    await eventually("the drift to be recorded", REPAIR_MS_MAX, async () => await driftsOf() > count);
    const { answer } = await lab.ask("drift", "node1");
    assert(Array.isArray(answer));
    assertStringIncludes(JSON.stringify(answer), "missing table tortie");
    const hasRoute = async () =>
      (await lab.routes(node1!.netns)).some((line) => line.startsWith(`${address} dev cali`));
    assert(await hasRoute());
    await lab.inside(node1!.netns, "ip", "route", "del", address);
    await eventually("the route to be repaired", REPAIR_MS_MAX, hasRoute);
    await eventually("the second drift to be recorded", REPAIR_MS_MAX, async () => await driftsOf() > count + 1);
  },

  "an agent that is killed or stopped loses no packet and, restarted, writes nothing": async (lab) => {
    for (const signal of ["SIGKILL", "SIGTERM"] as const) await killAgent(lab, signal);
  },

  "one node's credentials do not open another's slice": async (lab) => {
    const paths = labPaths(lab.folder);
    const token = Deno.readTextFileSync(paths.node("node1").token);
    const { api } = await lab.info();
    const status = async (path: string, bearer?: string) => {
      const headers = bearer === undefined ? new Headers() : new Headers({ authorization: `Bearer ${bearer}` });
      const response = await fetch(`${api}/tortie/v1/nodes/${path}`, { headers });
      await response.body?.cancel();
      return response.status;
    };
    assertEquals(await status("node2/slice", token), 403);
    assertEquals(await status("node1/slice", token), 200);
    assertEquals(await status("node1/slice"), 401);
    assertEquals(await status("node1/slice", `${token}x`), 401);
  },

  "with the server killed agents keep enforcing, and follow again when it is back": async (lab) => {
    const [web, front] = [await podOf(lab, "web"), await podOf(lab, "front")];
    const [server] = processesNaming(`--data-dir ${lab.folder}/server`).filter(({ commandLine }) =>
      commandLine.includes(" serve ")
    );
    Deno.kill(server!.pid, "SIGKILL");
    assert(await lab.connects(front.netns, `http://${web.address}/`));
    assert(!await lab.connects(web.netns, `http://${front.address}/`));
    await eventually("the server to be back", 20_000, async () => (await lab.command("info")).code === 0);
    await lab.send("DELETE", "/apis/projectcalico.org/v3/namespaces/shop/networkpolicies/web");
    await lab.level();
    assert(!await lab.connects(front.netns, `http://${web.address}/`));
  },

  "a deleted pod leaves neither sandbox nor address nor route": async (lab) => {
    const { address, netns, node } = await podOf(lab, "web");
    await lab.send("DELETE", "/api/v1/namespaces/shop/pods/web");
    const home = (await lab.info()).nodes.find(({ name }) => name === node)!;
    await eventually("the sandbox to go", 10_000, () => !exists(netns));
    await eventually(
      "the route to go",
      10_000,
      async () => !(await lab.routes(home.netns)).some((line) => line.startsWith(`${address} `)),
    );
    await eventually(
      "the address to be released",
      10_000,
      async () =>
        (await lab.log()).some(({ kind, verb, name }) =>
          kind === "Address" && verb === "release" && name === address.replaceAll(".", "-")
        ),
    );
  },
};

kernelTest("lab", ["root", "nftables", "bird", "busybox", "nsenter"], async (t) => {
  let folder = "";
  await withLab(3, async (lab) => {
    folder = lab.folder;
    for (const [name, step] of Object.entries(STEPS)) await t.step(name, () => step(lab));
    await t.step("a second lab in the same directory is refused", async () => {
      const { code, stderr } = await lab.command("up");
      assertEquals(code, 1);
      assertStringIncludes(stderr, "A lab is up already");
    });
    await t.step("a lab whose supervisor was killed is cleaned up and started anew", async () => {
      const [supervisor] = processesNaming(`lab supervise --dir ${folder}`);
      Deno.kill(supervisor!.pid, "SIGKILL");
      await lab.must("up", "--nodes", "1");
      assertEquals((await lab.info()).nodes.length, 1);
    });
    await t.step("down leaves nothing", async () => {
      await lab.must("down");
      assertEquals(labNamespaces(labPaths(folder)), []);
      assertEquals(processesNaming(folder), []);
      assertEquals([...Deno.readDirSync("/run")].filter(({ name }) => name.startsWith(labPaths(folder).prefix)), []);
      assertEquals((await run(["ls", folder])).code !== 0 || [...Deno.readDirSync(folder)].length === 0, true);
      assertEquals((await lab.command("info")).code, 4);
    });
  });
});
