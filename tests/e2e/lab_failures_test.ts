/**
 * The lab on its bad days: everything that can be killed, stopped, deleted or lied about, while real connections run over it. One lab serves all steps, in
 * order; none looks into the kernel through Tortie's own code.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { isJsonObject, type Json } from "#/base/json.ts";
import { labNamespaces } from "#/lab/fabric.ts";
import { labPaths } from "#/lab/lab_paths.ts";
import { EchoStream } from "#tests/support/echo_stream.ts";
import { type Lab, type LabInfo, withLab } from "#tests/support/lab.ts";
import { eventually, isRunning, processesNaming, run, within } from "#tests/support/program.ts";
import { kernelTest } from "#tests/support/requires.ts";

/** What a repair may take. */
const REPAIR_MS_MAX = 2_000;
/** How long a process that was killed may take to be back at work. */
const RESTART_MS_MAX = 20_000;
/** How long BGP sessions may take to be up again. */
const SESSIONS_MS_MAX = 30_000;

/** Port of the web server that tells who asks. */
const TELLING_PORT = 8081;

type Pod = LabInfo["pods"][number];

/** Three nodes and three pods: `shop/web` and `shop/front` may speak, `shop/shut` is closed. */
async function setTheScene(lab: Lab): Promise<void> {
  await lab.send("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  for (const [index, name] of ["web", "front", "shut"].entries()) {
    const place = ["--node", `node${index + 1}`, "--labels", `app=${name}`];
    await lab.must("run", name, "-n", "shop", ...place, "--http", "80");
  }
  await lab.apply({
    apiVersion: "projectcalico.org/v3",
    kind: "NetworkPolicy",
    metadata: { name: "shut", namespace: "shop" },
    spec: { selector: "app == 'shut'", types: ["Ingress"] },
  });
}

async function podOf(lab: Lab, name: string): Promise<Pod> {
  const pod = (await lab.info()).pods.find((one) => one.name === name);
  assert(pod !== undefined, `no pod "${name}"`);
  return pod;
}

/** What policy says must hold, by real connections. */
async function assertEnforced(lab: Lab): Promise<void> {
  const [web, front, shut] = [await podOf(lab, "web"), await podOf(lab, "front"), await podOf(lab, "shut")];
  assert(await lab.connects(front.netns, `http://${web.address}/`), "front must reach web");
  assert(!await lab.connects(front.netns, `http://${shut.address}/`), "front must not reach shut");
}

/** The rules of a node as the kernel has them, in an order of their own. */
async function rulesOf(lab: Lab, netns: string): Promise<string> {
  const text = await lab.inside(netns, "nft", "-s", "list", "table", "inet", "tortie");
  return text.split("\n").sort().join("\n");
}

/** Everything that was found to differ on a node, as text. */
async function driftsOf(lab: Lab, node: string): Promise<string> {
  return JSON.stringify((await lab.ask("drift", node)).answer);
}

/** The lab's server process. */
function serverOf(lab: Lab): number {
  const [server] = processesNaming(`serve --data-dir ${lab.folder}/server`);
  assert(server !== undefined, "no server runs");
  return server.pid;
}

/** Waits until another process than the killed one is the node's agent, and it follows or has tried to. */
async function agentIsBack(lab: Lab, node: number, old: number, logged: number): Promise<void> {
  const name = `node${node}`;
  const state = () => JSON.parse(Deno.readTextFileSync(`${lab.folder}/lab.json`)) as LabInfo;
  await eventually(`the agent of ${name} to be started again`, RESTART_MS_MAX, () => {
    const { pid } = state().nodes[node - 1]!;
    return pid !== old && isRunning(pid);
  });
  await eventually(
    `the agent of ${name} to be up`,
    RESTART_MS_MAX,
    () => lab.logOf(name).slice(logged).includes(`Agent of node "${name}" is up`),
  );
}

/** BGP sessions of a node that are up, as BIRD itself tells. */
async function sessionsOf(node: LabInfo["nodes"][number]): Promise<readonly string[]> {
  const { stdout } = await run(["birdc", "-s", node.birdSocket, "show", "protocols"]);
  return stdout.split("\n").filter((line) => /\sBGP\s.*\sEstablished\s*$/.test(line)).map((line) =>
    line.split(" ")[0]!
  );
}

async function everySessionUp(lab: Lab): Promise<void> {
  const { nodes } = await lab.info();
  await eventually("every BGP session to be established", SESSIONS_MS_MAX, async () => {
    const counts = await Promise.all(nodes.map(async (node) => (await sessionsOf(node)).length));
    return counts.every((count) => count === nodes.length - 1);
  });
}

/** Every node must have a route by BIRD to every other node's block, through that node. */
async function everyBlockLearned(lab: Lab): Promise<void> {
  const { nodes } = await lab.info();
  const blocks = await Promise.all(
    nodes.map(async ({ netns }) =>
      (await lab.routes(netns)).flatMap((line) => /^blackhole (\S+) proto 80/.exec(line)?.[1] ?? [])
    ),
  );
  for (const [at, { netns, name }] of nodes.entries()) {
    assertEquals(blocks[at]!.length, 1, `${name} holds one block`);
    await eventually(`${name} to learn the others' blocks`, SESSIONS_MS_MAX, async () => {
      const routes = await lab.routes(netns);
      return nodes.every(({ address }, other) =>
        other === at ||
        routes.some((line) => line.startsWith(`${blocks[other]![0]} via ${address} `) && line.includes("proto bird"))
      );
    });
  }
}

/** Starts a web server that tells who asks, and returns the addresses of those who do while `body` runs. */
async function clientsOf(lab: Lab, netns: string, body: () => Promise<void>): Promise<readonly string[]> {
  const server = new Deno.Command("nsenter", {
    args: [
      ...[`--net=${netns}`, "busybox", "httpd", "-f", "-v"],
      ...["-p", String(TELLING_PORT), "-h", `${lab.folder}/www/external`],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  try {
    await eventually(
      "the server to listen",
      RESTART_MS_MAX,
      async () =>
        (await run(["nsenter", `--net=${netns}`, "busybox", "netstat", "-ltn"])).stdout.includes(`:${TELLING_PORT} `),
    );
    await body();
  } finally {
    server.kill("SIGKILL");
    await server.status;
  }
  const said = await new Response(server.stderr).text();
  return [...new Set([...said.matchAll(/(\d+\.\d+\.\d+\.\d+)\]?:\d+/g)].map((match) => match[1]!))];
}

const STEPS: Readonly<Record<string, (lab: Lab) => Promise<void>>> = {
  "every BGP session is established, and every block learned everywhere": async (lab) => {
    await everySessionUp(lab);
    await everyBlockLearned(lab);
    await assertEnforced(lab);
  },

  "who is outside sees a node's address, who is inside the pod's": async (lab) => {
    const { external, nodes } = await lab.info();
    const [web, front] = [await podOf(lab, "web"), await podOf(lab, "front")];
    const get = async (from: Pod, address: string) =>
      void await run([
        "nsenter",
        `--net=${from.netns}`,
        "busybox",
        "timeout",
        "2",
        "busybox",
        "wget",
        "-q",
        "-O",
        "-",
        `http://${address}:${TELLING_PORT}/`,
      ]);
    const outside = await clientsOf(lab, labPaths(lab.folder).netns("external"), () => get(web, external.address));
    assertEquals(outside, [nodes[0]!.address]);
    const inside = await clientsOf(lab, web.netns, () => get(front, web.address));
    assertEquals(inside, [front.address]);
  },

  "a node's credentials are good for that node alone, over both sockets, and change nothing elsewhere": async (lab) => {
    const paths = labPaths(lab.folder);
    const tokens = ["node1", "node2"].map((name) => Deno.readTextFileSync(paths.node(name).token));
    assertEquals(Deno.statSync(paths.node("node1").token).mode! & 0o777, 0o600);
    assertEquals(Deno.statSync(paths.serverSocket).mode! & 0o777, 0o600);
    const { api } = await lab.info();
    const before = await lab.send("GET", "/tortie/v1/nodes");
    const head = (await lab.log()).length;
    const drift = { node: "node2", position: 1, subject: "route", differences: ["planted"], repaired: true };
    const bodies: Readonly<Record<string, Json | undefined>> = {
      slice: undefined,
      reports: {
        ...{ node: "node2", logId: "x", epoch: 1, position: 1, appliedAt: "2026-01-01T00:00:00Z", agentVersion: "x" },
        ...{ errors: [], unsupported: [] },
      },
      commands: { observedAt: "2026-01-01T00:00:00Z", commands: [{ command: "ReportDrift", drift }] },
    };
    using unix = Deno.createHttpClient({ proxy: { transport: "unix", path: paths.serverSocket } });
    const ask = async (over: "tcp" | "unix", path: string, token: string | undefined, body: Json | undefined) => {
      const response = await fetch(`${over === "tcp" ? api : "http://localhost"}/tortie/v1/nodes/${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: {
          "content-type": "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        ...(over === "unix" ? { client: unix } : {}),
      });
      const text = response.status === 200 && body === undefined ? await firstLine(response) : await response.text();
      return { status: response.status, text };
    };
    for (const over of ["tcp", "unix"] as const) {
      for (const [part, body] of Object.entries(bodies)) {
        for (const [token, status] of [[tokens[0], 403], [undefined, 401], ["nonsense", 401], ["", 401]] as const) {
          const answer = await ask(over, `node2/${part}`, token, body);
          assertEquals([over, part, answer.status], [over, part, status], answer.text);
        }
      }
      assertMatch((await ask(over, "node2/slice", tokens[1], undefined)).text, /^\{"frame":"hello".*\}$/);
      // Good credentials, but words about somebody else: each command is refused.
      const lie = await ask(over, "node1/commands", tokens[0], bodies.commands);
      const [result] = JSON.parse(lie.text) as readonly Json[];
      assert(isJsonObject(result) && result.result === "refused" && result.reason === "Forbidden", lie.text);
    }
    assertEquals((await lab.log()).length, head, "nothing of it may be in the log");
    const after = await lab.send("GET", "/tortie/v1/nodes");
    assertEquals(appliedOf(after), appliedOf(before));
  },

  "routes that somebody deletes or adds in our name are put right within two seconds and recorded": async (lab) => {
    const [node1] = (await lab.info()).nodes;
    const routes = async () => (await lab.routes(node1!.netns)).toSorted().join("\n");
    const before = await routes();
    const block = /^blackhole (\S+)/m.exec(before)![1]!;
    const { address } = await podOf(lab, "web");
    const changes: readonly (readonly [readonly string[], string])[] = [
      [["ip", "route", "del", "blackhole", block], block],
      [["ip", "route", "del", address], address],
      [["ip", "route", "add", "blackhole", "10.77.0.0/24", "proto", "80"], "10.77.0.0/24"],
    ];
    for (const [change, named] of changes) {
      await lab.inside(node1!.netns, ...change);
      await eventually(`repair after ${change.join(" ")}`, REPAIR_MS_MAX, async () => await routes() === before);
      await eventually(
        "the drift to be recorded",
        RESTART_MS_MAX,
        async () => (await driftsOf(lab, "node1")).includes(named),
      );
    }
    assert(
      (await lab.log()).some((row) => row.kind === "Drift" && row.name === "node1" && row.user === "system:node:node1"),
    );
    await assertEnforced(lab);
  },

  "what others have in nftables is left alone": async (lab) => {
    const { netns } = (await lab.info()).nodes[1]!;
    const count = (await driftsOf(lab, "node2")).length;
    const ruleset = await rulesOf(lab, netns);
    await lab.inside(netns, "nft", "add table ip others; add chain ip others kept; add rule ip others kept counter");
    await lab.send("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } });
    await lab.level();
    assertMatch(await lab.inside(netns, "nft", "list", "table", "ip", "others"), /chain kept \{\n\s+counter/);
    assertEquals(await rulesOf(lab, netns), ruleset);
    assertEquals((await driftsOf(lab, "node2")).length, count, "a table of somebody else is no drift of ours");
    await lab.inside(netns, "nft", "delete table ip others");
  },

  "a BIRD that is killed is started again; its node's pods stay reachable": async (lab) => {
    const { nodes } = await lab.info();
    const front = await podOf(lab, "front");
    await using stream = await EchoStream.open(lab, { from: front, to: await podOf(lab, "web"), port: 9001 });
    const pid = Number(Deno.readTextFileSync(`${lab.folder}/nodes/node1/bird/bird.pid`));
    Deno.kill(pid, "SIGKILL");
    await stream.echo("while BIRD is away");
    await eventually(
      "another BIRD to run",
      RESTART_MS_MAX,
      () =>
        processesNaming(`${lab.folder}/nodes/node1/bird/bird.conf`).some((one) =>
          one.pid !== pid && isRunning(one.pid)
        ),
    );
    await stream.echo("when BIRD is back");
    await everySessionUp(lab);
    await everyBlockLearned(lab);
    assertEquals((await sessionsOf(nodes[0]!)).length, 2);
    await eventually(
      "the drift to be recorded",
      RESTART_MS_MAX,
      async () => (await driftsOf(lab, "node1")).includes("BIRD ended"),
    );
    await stream.echo("at last");
  },

  "with the server away an agent restarts from its own saved slice, repairs, and tells when the server is back": async (
    lab,
  ) => {
    const { nodes } = await lab.info();
    const [web, front, shut] = [await podOf(lab, "web"), await podOf(lab, "front"), await podOf(lab, "shut")];
    const node3 = nodes[2]!;
    const rules = await rulesOf(lab, node3.netns);
    await using stream = await EchoStream.open(lab, { from: front, to: web, port: 9002 });
    const server = serverOf(lab);
    // Stopped, not killed: it would be started again at once.
    Deno.kill(server, "SIGSTOP");
    try {
      const logged = lab.logOf("node3").length;
      Deno.kill(node3.pid, "SIGKILL");
      await agentIsBack(lab, 3, node3.pid, logged);
      await lab.inside(node3.netns, "nft", "flush", "ruleset");
      await eventually(
        "the ruleset to be repaired",
        REPAIR_MS_MAX,
        async () => await rulesOf(lab, node3.netns) === rules,
      );
      const answers = await Promise.all([web, shut].map((pod) => lab.connects(front.netns, `http://${pod.address}/`)));
      assertEquals(answers, [true, false]);
      await stream.echo("while the server is away");
    } finally {
      Deno.kill(server, "SIGCONT");
    }
    await lab.level();
    await eventually(
      "the drift to be told",
      RESTART_MS_MAX,
      async () => (await driftsOf(lab, "node3")).includes("missing table tortie"),
    );
    await stream.echo("when it is back");
  },

  "everything killed at once: connections go on, and nothing is written to a kernel that is as it should be": async (
    lab,
  ) => {
    const { nodes } = await lab.info();
    await lab.level();
    await using stream = await EchoStream.open(lab, {
      from: await podOf(lab, "front"),
      to: await podOf(lab, "web"),
      port: 9003,
    });
    const rulesets = await Promise.all(nodes.map(({ netns }) => rulesOf(lab, netns)));
    const routes = await Promise.all(nodes.map(({ netns }) => lab.routes(netns)));
    const logged = nodes.map(({ name }) => lab.logOf(name).length);
    const server = serverOf(lab);
    for (const pid of [...nodes.map((node) => node.pid), server]) Deno.kill(pid, "SIGKILL");
    for (let line = 0; line < 20; line++) await stream.echo(`line ${line}`);
    for (const [at, node] of nodes.entries()) await agentIsBack(lab, at + 1, node.pid, logged[at]!);
    await eventually("the server to be back", RESTART_MS_MAX, async () => (await lab.command("info")).code === 0);
    await lab.level();
    await stream.echo("afterwards");
    for (const [at, { name, netns }] of nodes.entries()) {
      const said = lab.logOf(name).slice(logged[at]);
      assertEquals(said.match(/: (missing|foreign|changed) .*/g), null, said);
      assertEquals(await rulesOf(lab, netns), rulesets[at]);
      assertEquals((await lab.routes(netns)).toSorted(), routes[at]!.toSorted());
    }
    await assertEnforced(lab);
    await lab.send("DELETE", "/apis/projectcalico.org/v3/namespaces/shop/networkpolicies/shut");
    await lab.level();
    const shut = await podOf(lab, "shut");
    assert(
      await lab.connects((await podOf(lab, "front")).netns, `http://${shut.address}/`),
      "a new policy must arrive",
    );
  },

  "a pod that cannot be is refused or left out with a clear word, and leaves nothing": async (lab) => {
    const { prefix } = labPaths(lab.folder);
    const ours = () => netnsFiles().filter((path) => path.includes(prefix)).sort();
    const before = ours();
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [["x", "-n", "missing"], 4, /^Error from server: namespaces "missing" not found\n$/],
      [["x", "-n", "shop", "--node", "node9"], 4, /^Node is not in the lab: "node9"\n$/],
      [["web", "-n", "shop"], 1, /^Error from server: pods "web" already exists\n$/],
      [["X_", "-n", "shop"], 1, /^Error from server: Pod "X_" is invalid: metadata\.name: .*\n$/],
      [["x", "-n", "shop", "--labels", "a=b c"], 1, /metadata\.labels\[a\]/],
      [["x", "-n", "shop", "--labels", "a"], 2, /Must be KEY=VALUE/],
      [["x", "-n", "shop", "--http", "70000"], 1, /containerPort: Invalid value: 70000/],
    ];
    for (const [args, code, message] of cases) {
      const result = await lab.command("run", ...args);
      assertEquals([result.code, result.stdout], [code, ""], args.join(" "));
      assertMatch(result.stderr, message);
    }
    assertEquals(ours(), before);
    assertEquals((await lab.info()).pods.map(({ name }) => name).sort(), ["front", "shut", "web"]);
  },

  "a pod made or deleted while its agent is away is made or deleted when the agent is back": async (lab) => {
    const killAgent = async () => Deno.kill((await lab.info()).nodes[0]!.pid, "SIGKILL");
    await killAgent();
    await lab.must("run", "late", "-n", "shop", "--node", "node1", "--http", "80");
    const late = await podOf(lab, "late");
    assert(await lab.connects((await podOf(lab, "front")).netns, `http://${late.address}/`));
    await killAgent();
    await lab.send("DELETE", "/api/v1/namespaces/shop/pods/late");
    await eventually("the sandbox to go", RESTART_MS_MAX, () => !netnsFiles().includes(late.netns));
    const { netns } = (await lab.info()).nodes[0]!;
    const hasRoute = async () => (await lab.routes(netns)).some((line) => line.startsWith(`${late.address} `));
    await eventually("the route to go", RESTART_MS_MAX, async () => !await hasRoute());
  },

  "a deleted namespace takes its pods, their sandboxes, endpoints, routes and addresses with it": async (lab) => {
    const { pods, nodes } = await lab.info();
    await lab.send("DELETE", "/api/v1/namespaces/shop");
    await eventually("the sandboxes to go", RESTART_MS_MAX, () => {
      const left = netnsFiles();
      return pods.every(({ netns }) => !left.includes(netns));
    });
    await eventually("the routes to go", RESTART_MS_MAX, async () => {
      const routes = (await Promise.all(nodes.map(({ netns }) => lab.routes(netns)))).flat();
      return pods.every(({ address }) => !routes.some((line) => line.startsWith(`${address} `)));
    });
    const endpoints = await lab.send("GET", "/apis/projectcalico.org/v3/workloadendpoints");
    assert(isJsonObject(endpoints));
    assertEquals(endpoints.items, []);
    for (const { address } of pods) {
      await eventually(
        `${address} to be released`,
        RESTART_MS_MAX,
        async () =>
          (await lab.log()).some(({ kind, verb, name }) =>
            kind === "Address" && verb === "release" && name === address.replaceAll(".", "-")
          ),
      );
    }
  },

  "down, after the supervisor was killed too, ends all that is the lab's and nobody who only looks": async (lab) => {
    const onlooker = new Deno.Command("busybox", {
      args: ["tail", "-f", `${lab.folder}/log/server.log`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      const [supervisor] = processesNaming(`lab supervise --dir ${lab.folder} `);
      Deno.kill(supervisor!.pid, "SIGKILL");
      await lab.must("down");
      assertEquals(processesNaming(lab.folder).map(({ pid }) => pid), [onlooker.pid]);
      assertEquals(labNamespaces(labPaths(lab.folder)), []);
      // A state file from before the machine was started anew: the number is somebody else's now.
      const state = { supervisor: onlooker.pid, api: "http://127.0.0.1:1", nodes: [], external: {} };
      Deno.mkdirSync(lab.folder, { recursive: true });
      Deno.writeTextFileSync(`${lab.folder}/lab.json`, JSON.stringify(state));
      assertEquals((await lab.command("info")).code, 4);
      await lab.must("down");
      assert(isRunning(onlooker.pid), "the onlooker must live");
    } finally {
      onlooker.kill("SIGKILL");
      await onlooker.status;
    }
  },
};

/** Paths of all named network namespaces. */
function netnsFiles(): readonly string[] {
  return [...Deno.readDirSync("/run/netns")].map(({ name }) => `/run/netns/${name}`);
}

function appliedOf(nodes: Json): Json {
  assert(isJsonObject(nodes) && Array.isArray(nodes.nodes));
  return nodes.nodes.map((node) => isJsonObject(node) ? { name: node.name, applied: node.applied } : node);
}

/** The first line of a stream that goes on for ever. */
async function firstLine(response: Response): Promise<string> {
  let text = "";
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  while (!text.includes("\n")) {
    const { value, done } = await within("a line of the stream", RESTART_MS_MAX, reader.read());
    if (done) break;
    text += value;
  }
  await reader.cancel();
  return text.split("\n")[0]!;
}

kernelTest(
  "the lab on its bad days",
  ["root", "nftables", "bird", "busybox", "nsenter"],
  (t) =>
    withLab(3, async (lab) => {
      await setTheScene(lab);
      for (const [name, step] of Object.entries(STEPS)) await t.step(name, () => step(lab));
    }),
);
