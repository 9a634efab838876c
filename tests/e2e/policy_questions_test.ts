/**
 * Questions about policy to a server: `tortie reach`, `lint` and `plan` on its live state and on past ones, as a user runs them.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { type ProgramResult, withFolder } from "#tests/support/program.ts";
import { ServerProcess } from "#tests/support/server.ts";

const BASIS = /^as of position \d+ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)\n$/;

const NODE = "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n---\n";
const SHOP = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";

function pod(name: string): string {
  const owner = name.replace(/-\d+$/, "");
  const owners = owner === name
    ? ""
    : `, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: ${owner}, uid: u, controller: true}]`;
  return `---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: {app: ${owner}}${owners}}
spec: {nodeName: n1, containers: [{name: c, image: c}]}
`;
}

function policy(port: number): string {
  return `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: db}
spec:
  selector: app == 'db'
  types: [Ingress]
  ingress: [{action: Allow, protocol: TCP, source: {selector: app == 'web'}, destination: {ports: [${port}]}}]
`;
}

/** A server with the Pods `db-0`, `db-1` of one workload and `web` in the namespace `shop`, all with addresses. */
function withShop(body: (server: ServerProcess, folder: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    await using server = await ServerProcess.start({ dataDir: join(folder, "data") });
    await write(server, NODE + SHOP + ["db-0", "db-1", "web"].map(pod).join(""));
    for (const [at, name] of ["db-0", "db-1", "web"].entries()) {
      const path = `/api/v1/namespaces/shop/pods/${name}`;
      const object = await server.ok(path);
      assert(isJsonObject(object));
      const status = { phase: "Running", podIPs: [{ ip: `10.0.0.${at}` }] };
      await server.ok(`${path}/status`, { method: "PUT", body: { ...object, status } });
    }
    await body(server, folder);
    assertEquals(server.stderr, "", "the server must have nothing to complain of");
  });
}

async function write(server: ServerProcess, manifest: string): Promise<void> {
  const { code, stderr } = await server.tortie(["apply", "-f", "-"], { stdin: manifest });
  assertEquals([code, stderr], [0, ""]);
}

async function headOf(server: ServerProcess): Promise<number> {
  const answer = await server.ok("/tortie/v1/nodes");
  assert(isJsonObject(answer));
  return Number(answer.head);
}

/** The JSON that a command printed; what it rests on stands on standard error. */
function answered({ code, stdout, stderr }: ProgramResult, expected = 0): Json {
  assertEquals(code, expected, stderr);
  assertMatch(stderr, BASIS);
  return JSON.parse(stdout);
}

function pairs(value: Json | undefined): string[] {
  assert(Array.isArray(value));
  return value.filter(isJsonObject).map(({ from, to, connections }) => `${from} ${to} ${JSON.stringify(connections)}`);
}

const REACH = ["reach", "--to", "shop/db", "--from", "shop", "-o", "json"];

Deno.test("tortie reach tells the live state and a past one, by workload, pod or namespace", () =>
  withShop(async (server) => {
    const before = await headOf(server);
    await write(server, policy(5432));
    const sql = '[{"protocol":"TCP","ports":[[5432,5432]]}]';
    assertEquals(pairs(answered(await server.tortie(REACH))), [`shop/web shop/db ${sql}`]);
    assertEquals(pairs(answered(await server.tortie([...REACH, "--at", String(before)]))), ['shop/web shop/db "All"']);
    const byPod = answered(
      await server.tortie(["reach", "--to", "shop", "--from", "shop/web", "--by", "pod", "-o", "json"]),
    );
    assertEquals(pairs(byPod), [`shop/web shop/db-0 ${sql}`, `shop/web shop/db-1 ${sql}`]);
    const table = await server.tortie(["reach", "--to", "shop/db", "--port", "5432"]);
    assertEquals(table.stdout, "FROM       TO        CONNECTIONS\nshop/web   shop/db   TCP 5432\n");
    // The command prints the entries of one GET.
    const { body, headers } = await server.ask("/tortie/v1/reach?to=shop/db&from=shop");
    assert(isJsonObject(body) && isJsonObject(body.basis));
    assertEquals(pairs(body.entries), [`shop/web shop/db ${sql}`]);
    assertEquals([body.basis.position, body.basis.exact], [before + 1, true]);
    assertEquals(headers.get("tortie-position"), String(before + 1));
  }));

Deno.test("tortie lint tells the live state and a past one", () =>
  withShop(async (server) => {
    const before = await headOf(server);
    await write(server, policy(5432).replaceAll("'db'", "'nobody'"));
    const codes = (findings: Json) => {
      assert(Array.isArray(findings));
      return findings.filter(isJsonObject).filter(({ name }) => name === "db").map(({ code }) => code);
    };
    assertEquals(codes(answered(await server.tortie(["lint", "-o", "json"]), 1)), ["subject-matches-nothing"]);
    assertEquals(codes(answered(await server.tortie(["lint", "--at", String(before), "-o", "json"]))), []);
  }));

function planned(result: ProgramResult, code: number): JsonObject {
  assertEquals([result.code, result.stderr], [code, ""]);
  const plan = JSON.parse(result.stdout);
  assert(isJsonObject(plan));
  return plan;
}

Deno.test("tortie plan tells what applying would change, writes nothing, and is right", () =>
  withShop(async (server, folder) => {
    await write(server, policy(5432));
    const head = await headOf(server);
    const file = join(folder, "new.yaml");
    await Deno.writeTextFile(file, policy(80));
    const plan = planned(await server.tortie(["plan", "-f", file, "--from", "shop", "-o", "json"]), 1);
    assert(isJsonObject(plan.basis) && Array.isArray(plan.objects) && isJsonObject(plan.objects[0]));
    assertEquals([plan.basis.position, plan.basis.exact], [head, true]);
    assertEquals(plan.objects[0].fields, [
      { path: "spec.ingress[0].destination.ports[0]", before: 5432, after: 80 },
    ]);
    assertEquals(plan.connections, [{
      ...{ from: "shop/web", to: "shop/db" },
      gained: [{ protocol: "TCP", ports: [[80, 80]] }],
      lost: [{ protocol: "TCP", ports: [[5432, 5432]] }],
      sourcePorts: [],
    }]);
    assertEquals(await headOf(server), head, "a plan writes nothing");
    await write(server, policy(80));
    assertEquals(pairs(answered(await server.tortie(REACH))), [
      'shop/web shop/db [{"protocol":"TCP","ports":[[80,80]]}]',
    ]);
    const done = planned(await server.tortie(["plan", "-f", file, "-o", "json"]), 0);
    assertEquals(done.connections, []);
    const past = planned(await server.tortie(["plan", "-f", file, "--at", String(head), "-o", "json"]), 1);
    assertEquals(
      past.connections,
      planned(await server.tortie(["plan", "-f", file, "--at", String(head), "-o", "json"]), 1).connections,
    );
    const people = await server.tortie(["plan", "-f", file, "--at", String(head), "--from", "shop"]);
    assertEquals(people.code, 1);
    assertEquals(people.stdout.split("\n"), [
      "GlobalNetworkPolicy db updated",
      "    - spec.ingress[0].destination.ports[0]: 5432",
      "    + spec.ingress[0].destination.ports[0]: 80",
      "CHANGE   FROM       TO        CONNECTIONS",
      "gained   shop/web   shop/db   TCP 80",
      "lost     shop/web   shop/db   TCP 5432",
      "",
    ]);
    assertMatch(people.stderr, BASIS);
  }));

Deno.test("questions that mean nothing are refused, by the command and by the server", () =>
  withShop(async (server, folder) => {
    const refused = async (args: readonly string[], code: number, message: string) => {
      const result = await server.tortie(args);
      assertEquals([result.code, result.stdout], [code, ""]);
      assertStringIncludes(result.stderr, message);
    };
    await refused(["reach", "--at", "9999"], 2, "Error from server (Invalid): Position must be at most the head");
    await refused(["reach", "--by", "label"], 2, "Option --by: ");
    const file = join(folder, "new.yaml");
    await Deno.writeTextFile(file, policy(80).replace("Allow", "Alow"));
    await refused(["plan", "-f", file], 2, `${file}:7: GlobalNetworkPolicy db (document 1): spec.ingress[0].action: `);
    await Deno.writeTextFile(
      file,
      `${policy(80)}---\n${policy(80).replace("{name: db}", "{name: sec.db}")}  tier: sec\n`,
    );
    await refused(["plan", "-f", file], 2, "GlobalNetworkPolicy sec.db cannot be applied: ");
    const { status, body, headers } = await server.ask("/tortie/v1/reach?port=http");
    assertEquals([status, headers.get("content-type")], [400, "application/problem+json"]);
    assert(isJsonObject(body));
    assertStringIncludes(String(body.detail), 'Parameter "port": ');
    assertEquals((await server.ask("/tortie/v1/plan", { method: "POST", body: [{}] })).status, 422);
  }));
