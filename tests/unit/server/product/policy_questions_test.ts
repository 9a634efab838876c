/**
 * Reach, lint and plan as the product API answers them.
 *
 * @module
 */
import { assert, assertEquals, fail } from "@std/assert";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";
import { findKindByName } from "#/resources/registry.ts";
import { handleProduct, type ProductDeps } from "#/server/product/product_api.ts";
import { PLAIN_CONTEXT } from "#tests/support/events.ts";
import { MemoryBackend } from "#tests/support/memory_backend.ts";

/** A server with the namespace `shop` and the endpoints of two machines in it, `web` and `db`. */
async function withScene(body: (ask: Ask, backend: MemoryBackend) => Promise<void>): Promise<void> {
  await using backend = await MemoryBackend.create();
  const deps: ProductDeps = {
    backend,
    log: backend.log,
    appliedReports: () => [],
    secondOpinion: () => fail("explain is not asked here"),
    alarm: (message) => assert(false, message),
  };
  await create(backend, { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  for (const [at, name] of ["web", "db"].entries()) await create(backend, machine(name, `10.0.0.${at + 1}`));
  await body(async (path, sent) => {
    const url = new URL(`http://127.0.0.1/tortie/v1${path}`);
    const init = sent === undefined ? {} : { method: "POST", body: JSON.stringify(sent) };
    const response = await handleProduct(deps, new Request(url, init), url);
    const answer = await response.json() as Json;
    assert(isJsonObject(answer));
    return { status: response.status, answer, position: response.headers.get("tortie-position") };
  }, backend);
}

type Ask = (path: string, sent?: Json) => Promise<{
  readonly status: number;
  readonly answer: JsonObject;
  readonly position: string | null;
}>;

function machine(name: string, address: string): KubeObject {
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "WorkloadEndpoint",
    metadata: { name: `n1-vm-${name}-eth0`, namespace: "shop", labels: { app: name } },
    spec: {
      ...{ orchestrator: "vm", node: "n1", workload: name, endpoint: "eth0", interfaceName: `cali${name}` },
      ...{ ipNetworks: [`${address}/32`], profiles: ["kns.shop"] },
    },
  };
}

function policy(port: number): JsonObject {
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "GlobalNetworkPolicy",
    metadata: { name: "db" },
    spec: {
      selector: "app == 'db'",
      types: ["Ingress"],
      ingress: [{ action: "Allow", protocol: "TCP", destination: { ports: [port] } }],
    },
  };
}

async function create(backend: MemoryBackend, object: KubeObject): Promise<number> {
  const [version = "", group = ""] = object.apiVersion.split("/").reverse();
  const { plural } = findKindByName(group, version, object.kind)!;
  const { name, namespace = "" } = object.metadata;
  const outcome = await backend.submit({
    context: { ...PLAIN_CONTEXT, requestId: `${plural}/${name}` },
    body: {
      kind: "CreateObject",
      ref: { group, plural, namespace, name },
      object,
      options: { dryRun: false, fieldManager: "tortie", fieldValidation: "Strict" },
    },
  });
  assert(outcome.kind === "committed", outcome.kind === "rejected" ? outcome.message : "");
  return outcome.position;
}

function pairs(entries: Json | undefined): string[] {
  assert(Array.isArray(entries));
  return entries.filter(isJsonObject).map(({ from, to }) => `${from} ${to}`);
}

const [WEB, DB] = ["shop/n1-vm-web-eth0", "shop/n1-vm-db-eth0"];

Deno.test("GET /reach tells who may connect to whom, and what it rests on", () =>
  withScene(async (ask, backend) => {
    const before = backend.current().position;
    await create(backend, policy(5432) as unknown as KubeObject);
    const { status, answer, position } = await ask(`/reach?from=${WEB}&to=${DB}`);
    assertEquals([status, position], [200, String(before + 1)]);
    assertEquals(answer.basis, { position: before + 1, time: backend.current().occurredAt, exact: true });
    assertEquals(answer.entries, [{ from: WEB, to: DB, connections: [{ protocol: "TCP", ports: [[5432, 5432]] }] }]);
    const { answer: past } = await ask(`/reach?from=${WEB}&to=${DB}&at=${before}`);
    assertEquals(past.entries, [{ from: WEB, to: DB, connections: "All" }]);
    const { answer: other } = await ask(`/reach?to=${DB}&port=80`);
    assertEquals(other.entries, []);
    const { answer: byNamespace } = await ask("/reach?by=namespace&port=5432");
    // Endpoints without an IPv6 address meet nobody there.
    assertEquals(pairs(byNamespace.entries), [
      ...["shop shop", "shop 0.0.0.0-10.0.0.0", "shop 10.0.0.3-255.255.255.255"],
      ...["0.0.0.0-10.0.0.0 shop", "10.0.0.3-255.255.255.255 shop"],
    ]);
  }));

const WRONG: readonly { readonly path: string; readonly status: number; readonly detail: string }[] = [
  {
    path: "/reach?by=label",
    status: 400,
    detail: 'Parameter "by": Ends must be told by one of namespace, workload, pod: "label"',
  },
  {
    path: "/reach?port=http",
    status: 400,
    detail: 'Parameter "port": A port must be PORT/PROTOCOL or a protocol such as icmp: "http"',
  },
  { path: "/reach?at=99", status: 422, detail: "Position must be at most the head, 9: 99" },
  { path: "/reach?from=shop/nobody", status: 404, detail: 'Workload "shop/nobody" not found (at position 9)' },
  {
    path: "/reach?form=shop",
    status: 400,
    detail: 'Parameter "form" is not known: must be one of from, to, by, port, at',
  },
  { path: "/lint?at=99", status: 422, detail: "Position must be at most the head, 9: 99" },
];

for (const { path, status, detail } of WRONG) {
  Deno.test(`GET ${path} is refused, and names parameter and rule`, () =>
    withScene(async (ask) => {
      const { status: got, answer } = await ask(path);
      assertEquals([got, answer.status, answer.detail], [status, status, detail]);
    }));
}

Deno.test("GET /lint tells findings, now and then", () =>
  withScene(async (ask, backend) => {
    const before = backend.current().position;
    const lost = { ...policy(80), spec: { selector: "app == 'nobody'", types: ["Ingress"] } };
    await create(backend, lost as unknown as KubeObject);
    const codes = async (path: string) => {
      const { answer } = await ask(path);
      assert(Array.isArray(answer.findings) && isJsonObject(answer.basis));
      return answer.findings.filter(isJsonObject).map(({ code, name }) => `${code} ${name}`);
    };
    assert((await codes("/lint")).includes("subject-matches-nothing db"));
    assert(!(await codes(`/lint?at=${before}`)).includes("subject-matches-nothing db"));
  }));

Deno.test("POST /plan tells objects and connections, and writes nothing", () =>
  withScene(async (ask, backend) => {
    await create(backend, policy(5432) as unknown as KubeObject);
    const { position } = backend.current();
    const { status, answer } = await ask(`/plan?from=${WEB}`, [policy(80)]);
    assertEquals(status, 200);
    assert(isJsonObject(answer.basis) && Array.isArray(answer.objects) && isJsonObject(answer.objects[0]));
    assertEquals(answer.basis.position, position);
    const [{ change, kind, name, fields }] = answer.objects;
    assertEquals([change, kind, name], ["updated", "GlobalNetworkPolicy", "db"]);
    assertEquals(fields, [{ path: "spec.ingress[0].destination.ports[0]", before: 5432, after: 80 }]);
    assertEquals(answer.connections, [{
      ...{ from: WEB, to: DB },
      gained: [{ protocol: "TCP", ports: [[80, 80]] }],
      lost: [{ protocol: "TCP", ports: [[5432, 5432]] }],
      sourcePorts: [],
    }]);
    const { answer: same } = await ask("/plan", [policy(5432)]);
    assertEquals([same.connections, (same.objects as JsonObject[])[0]?.change], [[], "unchanged"]);
    assertEquals(backend.current().position, position);
  }));

Deno.test("POST /plan applies namespaces and tiers first, and counts workloads that will come", () =>
  withScene(async (ask) => {
    const { answer } = await ask(`/plan?to=bank&from=${WEB}`, [
      {
        apiVersion: "projectcalico.org/v3",
        kind: "NetworkPolicy",
        metadata: { name: "security.all", namespace: "bank" },
        spec: {
          ...{ tier: "security", types: ["Ingress"] },
          ingress: [{ action: "Allow", protocol: "TCP", destination: { ports: [443] } }],
        },
      },
      { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name: "security" }, spec: { order: 5 } },
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "bank" } },
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "teller", namespace: "bank" },
        spec: { template: { metadata: { labels: { app: "teller" } }, spec: { containers: [{ name: "c" }] } } },
      },
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", namespace: "bank" } },
    ]);
    assert(Array.isArray(answer.objects) && Array.isArray(answer.connections));
    assertEquals(answer.objects.filter(isJsonObject).map(({ change, name }) => `${name} ${change}`), [
      ...["security.all created", "security created", "bank created", "teller created"],
    ]);
    assertEquals(answer.ignored, [{ apiVersion: "v1", kind: "ConfigMap", count: 1 }]);
    assertEquals(answer.connections, [{
      ...{ from: WEB, to: "bank/teller" },
      gained: [{ protocol: "TCP", ports: [[443, 443]] }],
      ...{ lost: [], sourcePorts: [] },
    }]);
  }));

Deno.test("POST /plan admits on the server, and tells every problem with its place", () =>
  withScene(async (ask) => {
    const broken = { ...policy(80), spec: { selector: "app ==", order: "first" } };
    const { status, answer } = await ask("/plan", [policy(80), broken]);
    assertEquals([status, answer.title], [422, "Invalid"]);
    assert(Array.isArray(answer.errors));
    assertEquals(answer.errors.filter(isJsonObject).map(({ path }) => path).sort(), [
      "[1].spec.order",
      "[1].spec.selector",
    ]);
    const nowhere = { ...policy(80), kind: "NetworkPolicy", metadata: { name: "p", namespace: "nowhere" } };
    const { answer: refused } = await ask("/plan", [nowhere]);
    assertEquals(
      [refused.status, refused.detail],
      [404, 'NetworkPolicy nowhere/p cannot be applied: namespaces "nowhere" not found'],
    );
    assertEquals((await ask("/plan", {})).answer.detail, "Body must be a JSON array of objects");
    assertEquals((await ask("/plan")).answer.detail, "/tortie/v1/plan answers POST only: got GET");
  }));
