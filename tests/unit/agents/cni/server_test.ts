/** Tests of the agent's socket, and of the plugin program that posts to it. @module */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { OperationalError } from "#/base/errors.ts";
import { systemRandom } from "#/base/ports.ts";
import { startDrain } from "#/agents/cni/drain.ts";
import { writePlugin } from "#/agents/cni/install.ts";
import { openJournal } from "#/agents/cni/journal.ts";
import { CniOperations } from "#/agents/cni/operations.ts";
import { postToAgent } from "#/agents/cni/plugin.ts";
import { CNI_REQUEST_BYTES_MAX } from "#/agents/cni/protocol.ts";
import { type CniServerDeps, decodeCniRequest, startCniServer } from "#/agents/cni/server.ts";
import { FakeLoop, FakePods, stateWith } from "./fake_node.ts";
import { FakeServer } from "./fake_server.ts";

interface World {
  readonly directory: string;
  readonly socket: string;
  readonly deps: CniServerDeps;
}

async function withWorld(body: (world: World) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "tortie-socket-" });
  const server = new FakeServer();
  const pods = new FakePods();
  const loop = new FakeLoop();
  loop.items = stateWith(["10.0.0.0/30"]);
  pods.namespaces.add("/run/netns/c1");
  try {
    await using journal = await openJournal(join(directory, "journal"));
    await using drain = startDrain({ journal, commands: server });
    const routes = { dump: () => Promise.resolve(pods.routes()) };
    const deps = { node: "node1", journal, drain, commands: server, loop, random: systemRandom, pods, routes };
    const operations = new CniOperations(deps, { mtu: 1500 });
    await body({ directory, socket: join(directory, "run", "agent.sock"), deps: { ...deps, operations } });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function exchange(socket: string, request: string): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path: socket });
  await connection.write(new TextEncoder().encode(request));
  return await new Response(connection.readable).text();
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: agent\r\nconnection: close\r\n\r\n`;
const post = (body: string) =>
  `POST /cni HTTP/1.1\r\nhost: agent\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

const REQUEST = {
  command: "ADD",
  containerId: "c1",
  netns: "/run/netns/c1",
  ifName: "eth0",
  args: "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web",
  config: { cniVersion: "1.0.0", name: "net" },
} as const;

Deno.test("startCniServer() answers what the plugin posts, and tells how it stands", () =>
  withWorld(async ({ socket, deps }) => {
    await using _server = await startCniServer(deps, { node: "node1", socket });
    const { code, stdout } = await postToAgent(socket, REQUEST);
    assertEquals([code, JSON.parse(stdout).ips[0].address], [0, "10.0.0.0/32"]);
    const status = JSON.parse((await exchange(socket, get("/status"))).split("\r\n\r\n")[1]!);
    assertEquals({ ...status, owed: 0 }, {
      node: "node1",
      position: 1,
      addresses: 1,
      sandboxes: 1,
      owed: 0,
      journalFault: null,
      serverFault: null,
      refused: [],
    });
    assertEquals((await Deno.stat(socket)).mode! & 0o777, 0o600);
  }));

Deno.test("startCniServer() says what is wrong with a request", () =>
  withWorld(async ({ socket, deps }) => {
    await using _server = await startCniServer(deps, { node: "node1", socket });
    const cases: readonly (readonly [string, string])[] = [
      [get("/nothing"), "404"],
      [post("{"), "400"],
      [post("[]"), "400"],
      [post('{"command":"MOVE"}'), "400"],
    ];
    for (const [request, status] of cases) {
      assertStringIncludes((await exchange(socket, request)).slice(0, 12), status);
    }
    using client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
    const flood = await fetch("http://agent/cni", {
      client,
      method: "POST",
      body: "x".repeat(CNI_REQUEST_BYTES_MAX + 1),
    });
    assertEquals(flood.status, 413);
    await flood.body?.cancel();
    await assertRejects(() => postToAgent("/nowhere/agent.sock", REQUEST));
  }));

Deno.test("decodeCniRequest() fills in what is left out and refuses other types", () => {
  assertEquals(decodeCniRequest({ command: "GC" }), {
    command: "GC",
    containerId: "",
    netns: "",
    ifName: "",
    args: "",
    config: null,
  });
  assertStringIncludes(String(decodeCniRequest({ command: "GC", netns: 7 })), "netns must be a text: 7");
});

Deno.test("startCniServer() replaces a dead socket, and leaves a live one and other files alone", () =>
  withWorld(async ({ socket, deps, directory }) => {
    {
      await using _server = await startCniServer(deps, { node: "node1", socket });
      const error = await assertRejects(
        () => startCniServer(deps, { node: "node1", socket }),
        OperationalError,
        "another agent",
      );
      assertEquals(error.code, "EADDRINUSE");
      // What an agent leaves that is killed: the file without the listener.
      await Deno.link(socket, join(directory, "dead.sock"));
    }
    await assertRejects(() => Deno.stat(socket), Deno.errors.NotFound);
    {
      await using _server = await startCniServer(deps, { node: "node1", socket: join(directory, "dead.sock") });
    }
    const file = join(directory, "file");
    await Deno.writeTextFile(file, "precious");
    await assertRejects(() => startCniServer(deps, { node: "node1", socket: file }), OperationalError, "must be free");
    const long = join(directory, "x".repeat(120));
    await assertRejects(() => startCniServer(deps, { node: "node1", socket: long }), OperationalError, "107 bytes");
  }));

async function runProgram(program: string, env: Record<string, string>, stdin: string) {
  const command = new Deno.Command(program, { env, clearEnv: true, stdin: "piped", stdout: "piped", stderr: "piped" });
  const child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

Deno.test("writePlugin() installs a program that a runtime can run with nothing but its own environment", () =>
  withWorld(async ({ socket, deps, directory }) => {
    const { program, config } = await writePlugin(join(directory, "bin"), {
      denoPath: Deno.execPath(),
      socket: "/nowhere/agent.sock",
      configDirectory: join(directory, "net.d"),
    });
    const list = JSON.parse(await Deno.readTextFile(config));
    assertEquals([list.name, list.plugins[0].type], ["k8s-pod-network", "tortie"]);
    await using _server = await startCniServer(deps, { node: "node1", socket });
    const env = {
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: "c1",
      CNI_NETNS: "/run/netns/c1",
      CNI_IFNAME: "eth0",
      CNI_ARGS: REQUEST.args,
      PATH: Deno.env.get("PATH") ?? "",
      HOME: directory,
    };
    const stdin = JSON.stringify({ ...list.plugins[0], cniVersion: "1.0.0", name: list.name, agentSocket: socket });
    const added = await runProgram(program, env, stdin);
    assertEquals([added.code, added.stderr], [0, ""]);
    assertEquals(JSON.parse(added.stdout).ips, [{ interface: 1, address: "10.0.0.0/32" }]);
    assertEquals(await runProgram(program, { ...env, CNI_COMMAND: "DEL", CNI_NETNS: "" }, stdin), {
      code: 0,
      stdout: "",
      stderr: "",
    });
    const version = await runProgram(program, { ...env, CNI_COMMAND: "VERSION" }, '{"cniVersion":"1.0.0"}');
    assertStringIncludes(version.stdout, '"supportedVersions":["0.3.1"');
    const away = await runProgram(program, env, JSON.stringify(list.plugins[0]));
    assertEquals([away.code, JSON.parse(away.stdout).code], [1, 11]);
    const bad = await runProgram(program, env, "no json");
    assertEquals([bad.code, JSON.parse(bad.stdout).code], [1, 6]);
  }));
