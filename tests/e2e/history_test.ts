/**
 * History, as people and scripts ask for it: `tortie log`, `get --at`, `diff`, `explain`, writes with a reason, and `?at=` of the resource API, all against a
 * real server. The JSON shapes and exit codes here are promises to scripts.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { bound, node, pod } from "#tests/support/network_objects.ts";
import { type ProgramResult, tortie, withFolder } from "#tests/support/program.ts";
import { ServerProcess } from "#tests/support/server.ts";

/** The last of the events that a new log begins with. */
const SEED_POSITION = 6;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const POLICIES = "/apis/projectcalico.org/v3/globalnetworkpolicies";

/** Runs a test's body with a server of its own. */
function withServer(body: (server: ServerProcess, folder: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    await using server = await ServerProcess.start({ dataDir: join(folder, "data") });
    await body(server, folder);
    assertEquals(server.stderr, "", "the server must have nothing to complain of");
  });
}

function policy(order: number): string {
  return `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: guard}
spec: {order: ${order}, selector: app == 'db', types: [Ingress], ingress: [{action: Deny}]}
`;
}

const SHOP = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";

/** The document that a command printed; it must have ended with this code and said nothing on standard error. */
function printed(result: ProgramResult, code = 0): Json {
  assertEquals([result.code, result.stderr], [code, ""]);
  return JSON.parse(result.stdout);
}

/** A write that must be granted. */
async function write(server: ServerProcess, args: readonly string[], manifest: string): Promise<string> {
  const { code, stdout, stderr } = await server.tortie([...args, "-f", "-"], { stdin: manifest });
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

/** A command that must fail. A message as text is the whole line on standard error. */
interface Refused {
  readonly args: readonly string[];
  readonly stdin?: string;
  readonly code: number;
  readonly message: string | RegExp;
}

async function assertRefused(server: ServerProcess, { args, stdin, code, message }: Refused): Promise<void> {
  const result = await server.tortie(args, stdin === undefined ? {} : { stdin });
  assertEquals([result.code, result.stdout], [code, ""], `tortie ${args.join(" ")}: ${result.stderr}`);
  if (typeof message === "string") assertEquals(result.stderr, `${message}\n`);
  else assertMatch(result.stderr, message);
}

function at(object: Json | undefined, ...path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((value, key) => isJsonObject(value) ? value[key] : undefined, object);
}

Deno.test("tortie log tells who did what, through what, when and why, oldest first", () =>
  withServer(async (server) => {
    const reason = 'zur Sicherheit, „ü“ 🐢 \\ "quoted"';
    assertEquals(await write(server, ["create", "--as", "ann", "--reason", reason], SHOP), "namespace/shop created\n");
    const applied = "globalnetworkpolicy.projectcalico.org/guard applied\n";
    assertEquals(await write(server, ["apply", "--as", "bøb"], policy(10)), applied);
    assertEquals(await write(server, ["apply", "--as", "bøb", "--reason", "the same"], policy(10)), applied);
    assertEquals(await write(server, ["apply", "--as", "bøb", "--reason", "stricter"], policy(20)), applied);
    // kubectl has no option for a header: it says why in an annotation, and so does any other client.
    await server.ok("/api/v1/namespaces", {
      method: "POST",
      headers: { "impersonate-user": "cleo", "user-agent": "kubectl/v1.33.0" },
      body: {
        ...{ apiVersion: "v1", kind: "Namespace" },
        metadata: { name: "till", annotations: { "tortie.dev/reason": "für später 🐢" } },
      },
    });
    const deleted = await write(server, ["delete", "--as", "dan", "--reason", "gone"], policy(20));
    assertEquals(deleted, "globalnetworkpolicy.projectcalico.org/guard deleted\n");

    const all = printed(await server.tortie(["log", "-o", "json"]));
    assert(Array.isArray(all));
    const rows = all.slice(SEED_POSITION).map((row) => {
      assert(isJsonObject(row));
      assertMatch(String(row.time), RFC3339);
      return { ...row, time: "" };
    });
    const guard = { time: "", kind: "GlobalNetworkPolicy", namespace: null, name: "guard" };
    const namespace = { time: "", verb: "create", kind: "Namespace", namespace: null };
    assertEquals<Json>(rows, [
      { position: 7, user: "ann", via: "cli", ...namespace, name: "shop", reason },
      { position: 8, user: "bøb", via: "cli", verb: "create", ...guard, reason: null },
      { position: 9, user: "bøb", via: "cli", verb: "update", ...guard, reason: "stricter" },
      { position: 10, user: "cleo", via: "api", ...namespace, name: "till", reason: "für später 🐢" },
      { position: 11, user: "dan", via: "cli", verb: "delete", ...guard, reason: "gone" },
    ]);
    const times = all.map((row) => String(at(row, "time")));
    assertEquals(times, [...times].sort(), "time never goes back");
    assertEquals(all.slice(0, SEED_POSITION).map((row) => at(row, "user")), Array(SEED_POSITION).fill("system:tortie"));

    const positions = async (...words: string[]) => {
      const answer = printed(await server.tortie(["log", ...words, "-o", "json"]));
      assert(Array.isArray(answer));
      return answer.map((row) => at(row, "position"));
    };
    assertEquals(await positions("gnp", "guard"), [8, 9, 11]);
    assertEquals(await positions("globalnetworkpolicies.projectcalico.org", "guard"), [8, 9, 11]);
    assertEquals(await positions("namespace", "till"), [10]);
    assertEquals(await positions("gnp", "nobody"), []);
    const table = await server.tortie(["log", "gnp"]);
    assertMatch(
      table.stdout,
      /^POSITION +TIME +USER +VERB +KIND +NAMESPACE +NAME +REASON\n8 .*\n9 .* stricter\n11 .* gone\n$/,
    );
    const yaml = await server.tortie(["log", "ns", "till", "-o", "yaml"]);
    assertStringIncludes(yaml.stdout, "- position: 10\n");
  }));

Deno.test("tortie log -n tells the history of an object in a namespace alone", () =>
  withServer(async (server) => {
    const set = (namespace: string) =>
      `apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: web, namespace: ${namespace}}
spec: {selector: all()}
`;
    await write(server, ["create"], `${SHOP}---\n${SHOP.replace("shop", "till")}`);
    await write(server, ["create"], set("shop"));
    await write(server, ["create", "-n", "till"], set("till"));
    const log = async (...words: string[]) => {
      const answer = printed(await server.tortie(["log", ...words, "-o", "json"]));
      assert(Array.isArray(answer));
      return answer.map((row) => `${at(row, "namespace")}/${at(row, "name")}`);
    };
    assertEquals(await log("networkpolicies.projectcalico.org", "web", "-n", "till"), ["till/web"]);
    assertEquals(await log("networkpolicies.projectcalico.org", "web"), ["shop/web", "till/web"]);
    assertEquals(await log("networkpolicies.projectcalico.org", "-n", "shop"), ["shop/web"]);
  }));

Deno.test("tortie get --at gives the bare object of an instant, and ends with 4 where there was none", () =>
  withServer(async (server) => {
    await write(server, ["create"], SHOP);
    await write(server, ["apply"], policy(10));
    await write(server, ["apply"], policy(20));
    await write(server, ["delete"], policy(20));
    const timeOf = async (position: number) => {
      const log = printed(await server.tortie(["log", "-o", "json"]));
      assert(Array.isArray(log));
      return String(at(log[position - 1], "time"));
    };
    const get = (instant: string) => server.tortie(["get", "gnp", "guard", "--at", instant, "-o", "json"]);
    for (const [instant, order, version] of [["8", 10, "8"], ["9", 20, "9"], [await timeOf(9), 20, "9"]] as const) {
      const object = printed(await get(instant));
      assert(isJsonObject(object));
      assertEquals(Object.keys(object).sort(), ["apiVersion", "kind", "metadata", "spec"]);
      assertEquals([object.apiVersion, object.kind], ["projectcalico.org/v3", "GlobalNetworkPolicy"]);
      assertEquals([at(object, "metadata", "name"), at(object, "metadata", "resourceVersion")], ["guard", version]);
      assertEquals(at(object, "spec", "order"), order);
    }
    const absent = 'Error from server (NotFound): globalnetworkpolicies.projectcalico.org "guard" not found\n';
    for (const instant of ["7", "10", await timeOf(10), "2020-01-01T00:00:00Z"]) {
      const result = await get(instant);
      assertEquals(result, { code: 4, stdout: "", stderr: absent }, instant);
    }
    assertEquals((await server.tortie(["get", "gnp", "guard", "-o", "json"])).code, 4);
    const inShop = ["get", "pods", "-n", "shop", "--at", "7", "-o", "json"];
    const list = printed(await server.tortie(inShop));
    assertEquals([at(list, "kind"), at(list, "items"), at(list, "metadata", "resourceVersion")], ["PodList", [], "7"]);
  }));

Deno.test("?at= works on objects, lists and tables, by position and by time, and on no write", () =>
  withServer(async (server) => {
    await write(server, ["apply"], policy(10));
    await write(server, ["apply"], policy(20));
    const log = await server.ok("/tortie/v1/log");
    assert(Array.isArray(log));
    const time = String(at(log[6], "time"));
    // In another zone the same instant reads otherwise; a plus in a query is a space unless it is escaped.
    const elsewhere = `${new Date(Date.parse(time) + 5_400_000).toISOString().replace("Z", "")}+01:30`;
    for (const instant of ["7", time, elsewhere]) {
      const query = new URLSearchParams({ at: instant });
      assertEquals(at(await server.ok(`${POLICIES}/guard?${query}`), "spec", "order"), 10, instant);
      const list = await server.ok(`${POLICIES}?${query}`);
      assert(isJsonObject(list) && Array.isArray(list.items));
      assertEquals([list.items.length, at(list.items[0], "spec", "order")], [1, 10], instant);
      assertEquals(at(list, "metadata", "resourceVersion"), "7", instant);
      const table = await server.ok(`${POLICIES}?${query}`, {
        headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
      });
      assertEquals(at(table, "kind"), "Table");
      assertEquals(at(table, "metadata", "resourceVersion"), "7");
      const rows = at(table, "rows");
      assert(Array.isArray(rows) && rows.length === 1, JSON.stringify(table));
      const cells = at(rows[0], "cells");
      assert(Array.isArray(cells) && cells[0] === "guard" && cells.map(String).includes("10"), JSON.stringify(cells));
    }
    assertEquals((await server.ask(`${POLICIES}/guard?at=6`)).status, 404);
    const empty = await server.ok(`${POLICIES}?at=6`);
    assertEquals(at(empty, "items"), []);

    const beyond = await server.ask(`${POLICIES}?at=9`);
    assertEquals([beyond.status, at(beyond.body, "kind"), at(beyond.body, "reason")], [422, "Status", "Invalid"]);
    assertStringIncludes(String(at(beyond.body, "message")), "Position must be at most the head, 8: 9");
    for (const instant of ["yesterday", "-1", "1.5", "", "2026-13-01T00:00:00Z", "2026-01-01"]) {
      const { status, body } = await server.ask(`${POLICIES}?${new URLSearchParams({ at: instant })}`);
      assertEquals([status, at(body, "reason")], [400, "BadRequest"], instant);
      assertStringIncludes(String(at(body, "message")), `"${instant}"`);
    }
    const both = await server.ask(`${POLICIES}?at=7&resourceVersion=7`);
    assertEquals(both.status, 400);

    const writes = [
      { method: "POST", path: `${POLICIES}?at=7`, body: { kind: "GlobalNetworkPolicy" } },
      { method: "PUT", path: `${POLICIES}/guard?at=7`, body: { kind: "GlobalNetworkPolicy" } },
      { method: "PATCH", path: `${POLICIES}/guard?at=7`, body: { spec: { order: 30 } } },
      { method: "DELETE", path: `${POLICIES}/guard?at=7`, body: undefined },
    ];
    for (const { method, path, body } of writes) {
      const headers = method === "PATCH" ? { "content-type": "application/merge-patch+json" } : undefined;
      const refused = await server.ask(path, { method, body, headers });
      assertEquals(refused.status, 400, method);
      assertEquals(at(refused.body, "message"), 'A write must not have the parameter "at": the past cannot be changed');
    }
    const after = await server.ok("/tortie/v1/log");
    assert(Array.isArray(after) && after.length === 8, "a refused write must leave no event");
  }));

Deno.test("tortie diff tells what differs between two instants, and ends with 1 when something does", () =>
  withServer(async (server) => {
    await write(server, ["create"], SHOP);
    await write(server, ["apply"], policy(10));
    await write(server, ["apply"], policy(20));
    const answer = printed(await server.tortie(["diff", "8", "9", "-o", "json"]), 1);
    assert(isJsonObject(answer));
    assertEquals([at(answer, "from", "position"), at(answer, "to", "position")], [8, 9]);
    assertMatch(String(at(answer, "from", "time")), RFC3339);
    const [difference, ...others] = answer.objects as readonly JsonObject[];
    assertEquals(others, []);
    const { before, after, ...told } = difference!;
    assertEquals<Json>(told, {
      change: "changed",
      apiVersion: "projectcalico.org/v3",
      kind: "GlobalNetworkPolicy",
      namespace: "",
      name: "guard",
      fields: [{ path: "spec.order", before: 10, after: 20 }],
    });
    assertEquals([at(before, "spec", "order"), at(after, "spec", "order")], [10, 20]);
    const text = await server.tortie(["diff", "8", "9"]);
    assertEquals([text.code, text.stdout], [
      1,
      "~ GlobalNetworkPolicy guard\n    - spec.order: 10\n    + spec.order: 20\n",
    ]);
    assertEquals((await server.tortie(["diff", "7", "8"])).stdout, "+ GlobalNetworkPolicy guard\n");
    assertEquals((await server.tortie(["diff", "8", "7"])).stdout, "- GlobalNetworkPolicy guard\n");
    const same = await server.tortie(["diff", "9", "9"]);
    assertEquals([same.code, same.stdout, same.stderr], [0, "", "No object differs\n"]);
    const none = printed(await server.tortie(["diff", "9", "9", "-o", "json"]));
    assertEquals(at(none, "objects"), []);
  }));

/** Two pods on one node, `shop/web` and `shop/db`, with addresses and sandboxes as an agent tells of them. */
async function setTheScene(server: ServerProcess): Promise<void> {
  await write(server, ["create"], SHOP);
  await server.ok("/api/v1/nodes", { method: "POST", body: node("node1", "10.0.0.1/24") as unknown as Json });
  const { token } = await server.ok("/tortie/v1/nodes/node1/token", { method: "POST" }) as { readonly token: string };
  const tell = async (command: object): Promise<JsonObject> => {
    const body = { observedAt: "2026-01-01T00:00:00Z", commands: [command] } as unknown as Json;
    const headers = { authorization: `Bearer ${token}` };
    const results = await server.ok("/tortie/v1/nodes/node1/commands", { method: "POST", headers, body });
    assert(Array.isArray(results) && isJsonObject(results[0]) && results[0].result === "done", JSON.stringify(results));
    return results[0];
  };
  const block = String((await tell({ command: "RequestBlock", node: "node1", requestId: "first" })).block);
  const first = block.replace(/\d+\/\d+$/, "");
  for (const [index, name] of ["web", "db"].entries()) {
    const created = await server.ok("/api/v1/namespaces/shop/pods", {
      method: "POST",
      body: pod("shop", name, { node: "node1", labels: { app: name } }) as unknown as Json,
    });
    const address = `${first}${Number(/(\d+)\/\d+$/.exec(block)?.[1]) + index + 1}`;
    const endpoint = bound("shop", name, {
      node: "node1",
      addresses: [address],
      podUid: String(at(created, "metadata", "uid")),
    });
    const assignment = {
      ...{ address, block, node: "node1", namespace: "shop", pod: name },
      handle: `tortie.${endpoint.containerId}`,
    };
    await tell({ command: "AssignAddress", assignment });
    await tell({ command: "BindEndpoint", endpoint });
  }
}

/** What decided at one end, without where that was and the way there. */
function decision(half: Json | undefined): Json | undefined {
  if (!isJsonObject(half)) return half;
  return Object.fromEntries(Object.entries(half).filter(([key]) => !["endpoint", "phase", "trace"].includes(key)));
}

Deno.test("tortie explain says why, by whose doing and as of when, and ends with 0 for allow and 1 for deny", () =>
  withServer(async (server) => {
    await setTheScene(server);
    const explain = (instant?: string) =>
      server.tortie([
        ...["explain", "shop/web", "shop/db:5432/tcp", "-o", "json"],
        ...(instant === undefined ? [] : ["--at", instant]),
      ]);
    const open = printed(await explain());
    const byProfile = {
      ...{ verdict: "allow", tier: null, policy: null, rule: null, default: "profile", isolatedBy: [] },
      ...{ event: null, author: null },
    };
    assert(isJsonObject(open));
    assertEquals(Object.keys(open).sort(), ["basis", "egress", "forward", "ingress", "pending", "verdict"]);
    assertEquals<unknown>([open.forward, open.pending, at(open, "ingress", "phase")], [[], null, null]);
    assertEquals(at(open, "ingress", "endpoint", "kind"), "WorkloadEndpoint");
    assertEquals(isJsonObject(at(open, "ingress", "trace")), true);
    assertEquals(open.verdict, "allow");
    assertEquals<Json | undefined>(decision(open.egress), byProfile);
    assertEquals<Json | undefined>(decision(open.ingress), byProfile);
    const openPosition = Number(at(open, "basis", "position"));
    assertMatch(String(at(open, "basis", "occurredAt")), RFC3339);

    await write(server, ["apply", "--as", "ann"], policy(10));
    const denied = printed(await explain(), 1);
    assertEquals(at(denied, "verdict"), "deny");
    assertEquals<Json | undefined>(decision(at(denied, "ingress")), {
      verdict: "deny",
      tier: "default",
      policy: { kind: "GlobalNetworkPolicy", namespace: "", name: "guard" },
      rule: 0,
      default: null,
      isolatedBy: [],
      event: openPosition + 1,
      author: "ann",
    });
    assertEquals<Json | undefined>(decision(at(denied, "egress")), byProfile);

    // Without a rule it isolates: the end of the tier denies, and the answer names who isolates.
    await write(server, ["apply", "--as", "bob"], policy(20).replace(", ingress: [{action: Deny}]", ""));
    const isolated = printed(await explain(), 1);
    assertEquals<Json | undefined>(decision(at(isolated, "ingress")), {
      ...{ verdict: "deny", tier: "default", policy: null, rule: null, default: "end-of-tier" },
      isolatedBy: [{
        ...{ kind: "GlobalNetworkPolicy", namespace: "", name: "guard" },
        ...{ event: openPosition + 2, author: "bob" },
      }],
      ...{ event: null, author: null },
    });

    const past = printed(await explain(String(openPosition)));
    assertEquals([at(past, "verdict"), at(past, "basis", "position")], ["allow", openPosition]);
    const between = printed(await explain(String(openPosition + 1)), 1);
    assertEquals<Json | undefined>(at(between, "ingress", "author"), "ann");
    assertEquals(at(between, "basis", "position"), openPosition + 1);
  }));

Deno.test("tortie explain tells people too, judges addresses, and refuses what means nothing", () =>
  withServer(async (server) => {
    await setTheScene(server);
    await write(server, ["apply", "--as", "bob"], policy(20).replace(", ingress: [{action: Deny}]", ""));
    const log = printed(await server.tortie(["log", "-o", "json"]));
    assert(Array.isArray(log));
    const told = await server.tortie(["explain", "shop/web", "shop/db:5432/tcp"]);
    assertEquals([told.code, told.stderr], [1, ""]);
    assertMatch(
      told.stdout,
      /^shop\/web -> shop\/db:5432\/tcp: deny\n {2}egress: allow .*\n {2}ingress: deny .*isolated by GlobalNetworkPolicy guard.*\nas of position \d+ .*\n$/,
    );

    const outward = printed(await server.tortie(["explain", "shop/web", "192.0.2.1:443/tcp", "-o", "json"]));
    assertEquals([at(outward, "verdict"), at(outward, "ingress")], ["allow", null]);
    const inward = printed(await server.tortie(["explain", "192.0.2.1", "shop/db:icmp", "-o", "json"]), 1);
    assertEquals([at(inward, "verdict"), at(inward, "egress")], ["deny", null]);
    const { body: metrics } = await server.ask("/metrics");
    assertMatch(String(metrics), /^tortie_policy_disagreements_total 0$/m);

    await assertRefused(server, {
      args: ["explain", "shop/web", "shop/nobody:80/tcp"],
      code: 4,
      message: `Error from server (NotFound): Workload endpoint "shop/nobody" not found (at position ${log.length})`,
    });
    await assertRefused(server, {
      args: ["explain", "shop/web", "shop/db:5432/tcp", "--at", "7"],
      code: 4,
      message: /^Error from server \(NotFound\): .* \(at position 7\)\n$/,
    });
    for (
      const to of ["shop/db", "shop/db:http/tcp", "shop/db:70000/tcp", "shop/db:80/quic", "db:80/tcp", "shop/db:tcp"]
    ) {
      await assertRefused(server, {
        args: ["explain", "shop/web", to],
        code: 2,
        message: /^Error from server \(BadRequest\): .+: ".+"\n$/,
      });
    }
  }));

/** What is wrong on a command line, in a file, or with what they name; nothing of it may be written. */
const MISTAKES: readonly Refused[] = [
  {
    args: ["get", "gnp", "guard", "--at", "99"],
    code: 2,
    message: "Error from server (Invalid): Position must be at most the head, 7: 99",
  },
  {
    args: ["get", "gnp", "guard", "--at", "noon"],
    code: 2,
    message: 'Error from server (BadRequest): Instant must be a position or an RFC 3339 time: "noon"',
  },
  { args: ["diff", "7", "99"], code: 2, message: /at most the head, 7: 99/ },
  { args: ["diff", "7"], code: 2, message: "error: missing required argument 'b'" },
  { args: ["get", "widgets"], code: 2, message: 'Kind is not known: "widgets"' },
  { args: ["log", "widgets"], code: 2, message: 'Kind is not known: "widgets"' },
  { args: ["get", "gnp", "-o", "xml"], code: 2, message: 'Output format must be one of table, json, yaml: "xml"' },
  { args: ["frobnicate"], code: 2, message: "error: unknown command 'frobnicate'" },
  { args: ["apply"], code: 2, message: "Option -f FILE must be given" },
  { args: ["apply", "-f", "/no/such/file"], code: 2, message: /^Cannot read "\/no\/such\/file": No such file.*\n$/ },
  { args: ["apply", "-f", "-"], stdin: "a: [", code: 2, message: /^Cannot read "-": .* line 1/ },
  {
    args: ["apply", "-f", "-"],
    stdin: "a: 1",
    code: 2,
    message: 'Document 1 of "-" must be an object with apiVersion and kind',
  },
  { args: ["apply", "-f", "-"], stdin: "", code: 2, message: '"-" must hold at least one object' },
  {
    // What can be seen to be wrong stops the first document too.
    args: ["create", "-f", "-"],
    stdin: `${SHOP}---\napiVersion: example.org/v1\nkind: Widget\nmetadata: {name: x}\n`,
    code: 2,
    message: 'Kind is not known: "Widget.example.org"',
  },
  {
    args: ["apply", "-f", "-"],
    stdin: policy(20).replace("Deny", "Dney"),
    code: 2,
    message:
      /^Error from server \(Invalid\): .*"guard" is invalid: spec\.ingress\[0\]\.action: Unsupported value: "Dney": supported values: "Allow", "Deny", "Log", "Pass"\n$/,
  },
  {
    args: ["create", "-f", "-"],
    stdin: policy(1),
    code: 1,
    message: /^Error from server \(AlreadyExists\): .*"guard" already exists\n$/,
  },
  {
    args: ["create", "-f", "-", "-n", "nowhere"],
    stdin: "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: x}\n",
    code: 4,
    message: 'Error from server (NotFound): namespaces "nowhere" not found',
  },
  {
    args: ["delete", "-f", "-"],
    stdin: SHOP,
    code: 4,
    message: 'Error from server (NotFound): namespaces "shop" not found',
  },
  {
    args: ["log", "--server", "nonsense"],
    code: 2,
    message: 'Server must be an http:// or https:// URL: "nonsense"',
  },
];

Deno.test("tortie ends with a code and a clear word for every mistake, and writes nothing", () =>
  withServer(async (server) => {
    await write(server, ["apply"], policy(10));
    for (const refused of MISTAKES) await assertRefused(server, refused);
    const log = printed(await server.tortie(["log", "-o", "json"]));
    assert(Array.isArray(log) && log.length === SEED_POSITION + 1, "a refused command must leave no event");
    const { stdout } = await server.tortie(["--help"]);
    for (const word of ["log", "get", "diff", "explain", "lab", "serve"]) {
      assertMatch(stdout, new RegExp(`^ {2}${word}\\b`, "m"));
    }
  }));

Deno.test("tortie ends with 5 and names the server when it cannot be reached", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  listener.close();
  for (const args of [["log"], ["get", "gnp"], ["diff", "1", "2"], ["explain", "a/b", "c/d:80/tcp"]]) {
    const { code, stdout, stderr } = await tortie([...args, "--server", url]);
    assertEquals([code, stdout], [5, ""]);
    assertMatch(stderr, new RegExp(`^Cannot reach the server at ${url}: .+\\n$`));
  }
});
