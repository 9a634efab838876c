/**
 * The handler from request to answer, over a backend in memory: what clients rely on beyond what kubectl shows (`tests/e2e/kubectl_api_test.ts`).
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { OperationalError } from "#/base/errors.ts";
import { systemClock, systemRandom } from "#/base/ports.ts";
import type { ApiBackend } from "#/server/api/backend.ts";
import { type ApiHandler, createApiHandler } from "#/server/api/handler.ts";
import { MemoryBackend } from "#tests/support/memory_backend.ts";

const TIERS = "/apis/projectcalico.org/v3/tiers";
const INFO = { remoteAddr: { transport: "tcp", hostname: "127.0.0.1" } };
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any -- bodies are looked into freely
  readonly body: any;
}

interface Call {
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A handler, its backend, and a short way to ask. */
async function setUp(): Promise<AsyncDisposable & { backend: MemoryBackend; ask: Ask }> {
  const backend = await MemoryBackend.create();
  const handler = createApiHandler({ backend, clock: systemClock, random: systemRandom, version: "0.0.0" });
  return { backend, ask: asker(handler), [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose]() };
}

type Ask = (method: string, path: string, call?: Call) => Promise<Answer>;

function asker(handler: ApiHandler): Ask {
  return async (method, path, call = {}) => {
    const { body, type = "application/json", headers = {} } = call;
    const text = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
    const request = new Request(`http://localhost:7676${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": type }), ...headers },
      body: text as BodyInit | undefined,
    });
    const response = await handler(request, INFO);
    const answer = await response.text();
    return { status: response.status, headers: response.headers, body: answer === "" ? undefined : JSON.parse(answer) };
  };
}

function tier(name: string, order: number): unknown {
  return { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name }, spec: { order } };
}

Deno.test("handler creates with 201, changes with 200 and says the position", async () => {
  await using api = await setUp();
  const created = await api.ask("POST", TIERS, { body: tier("t", 1) });
  assertEquals([created.status, created.body.spec.order], [201, 1]);
  const position = String(api.backend.head().position);
  assertEquals([created.headers.get("Tortie-Position"), created.body.metadata.resourceVersion], [position, position]);
  const put = await api.ask("PUT", `${TIERS}/t`, { body: tier("t", 2) });
  assertEquals([put.status, put.body.spec.order], [200, 2]);
  const got = await api.ask("GET", `${TIERS}/t`);
  assertEquals(got.body, put.body);
});

Deno.test("handler takes YAML, and generates names", async () => {
  await using api = await setUp();
  const yaml = "apiVersion: v1\nkind: Namespace\nmetadata: {generateName: team-}\n";
  const created = await api.ask("POST", "/api/v1/namespaces", { body: yaml, type: "application/yaml" });
  assertEquals(created.status, 201);
  assert(/^team-[a-z0-9]{5}$/.test(created.body.metadata.name));
});

Deno.test("handler carries user, reason, request id and manager to the command", async () => {
  await using api = await setUp();
  const headers = {
    "impersonate-user": "alice",
    "tortie-reason": "because",
    "idempotency-key": "k1",
    "user-agent": "curl/8.0",
  };
  await api.ask("POST", TIERS, { body: tier("t", 1), headers });
  const [command] = api.backend.commands;
  assertEquals(command?.context, {
    actor: { user: "alice", groups: ["system:authenticated"], authMethod: "none" },
    source: { via: "api", ip: "127.0.0.1", userAgent: "curl/8.0", fieldManager: "curl" },
    requestId: "k1",
    reason: "because",
  });
});

Deno.test("handler does not write on a dry run", async () => {
  await using api = await setUp();
  const before = api.backend.head().position;
  const answer = await api.ask("POST", `${TIERS}?dryRun=All`, { body: tier("t", 1) });
  assertEquals([answer.status, answer.body.metadata.name], [201, "t"]);
  await api.ask("DELETE", `${TIERS}/kube-admin`, { body: { dryRun: ["All"] } });
  await api.ask("DELETE", `/api/v1/namespaces?dryRun=All`);
  assertEquals(api.backend.head().position, before);
});

Deno.test("handler warns of duplicate fields, or refuses them", async () => {
  await using api = await setUp();
  const text =
    '{"apiVersion":"projectcalico.org/v3","kind":"Tier","metadata":{"name":"t"},"spec":{"order":1,"order":2}}';
  const strict = await api.ask("POST", `${TIERS}?fieldValidation=Strict`, { body: text });
  assertEquals([strict.status, strict.body.message], [400, 'strict decoding error: duplicate field "spec.order"']);
  const warned = await api.ask("POST", TIERS, { body: text });
  assertEquals([warned.status, warned.body.spec.order], [201, 2]);
  assertStringIncludes(warned.headers.get("Warning")!, 'duplicate field \\"spec.order\\"');
});

Deno.test("handler drops the namespace of an object that has none, and says so", async () => {
  await using api = await setUp();
  const body = { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name: "t", namespace: "x" }, spec: {} };
  const answer = await api.ask("POST", TIERS, { body });
  assertEquals([answer.status, answer.body.metadata.namespace], [201, undefined]);
  assertStringIncludes(answer.headers.get("Warning")!, "Tier has no namespace");
});

Deno.test("handler applies in the name of a manager only", async () => {
  await using api = await setUp();
  const call = { body: tier("t", 1), type: "application/apply-patch+yaml" };
  const nobody = await api.ask("PATCH", `${TIERS}/t`, call);
  assertEquals([nobody.status, nobody.body.details.causes[0].field], [422, "fieldManager"]);
  assertEquals((await api.ask("PATCH", `${TIERS}/t?fieldManager=m`, call)).status, 201);
  assertEquals((await api.ask("PATCH", `${TIERS}/t?fieldManager=m`, call)).status, 200);
});

Deno.test("handler reads the state at a position or a time, on objects and lists", async () => {
  await using api = await setUp();
  const first = await api.ask("POST", TIERS, { body: tier("t", 1) });
  const at = first.body.metadata.resourceVersion;
  await api.ask("PUT", `${TIERS}/t`, { body: tier("t", 2) });
  const old = await api.ask("GET", `${TIERS}/t?at=${at}`);
  assertEquals([old.body.spec.order, old.headers.get("Tortie-Position")], [1, at]);
  const exact = await api.ask("GET", `${TIERS}?resourceVersion=${at}&resourceVersionMatch=Exact`);
  assertEquals(
    exact.body.items.find((item: { metadata: { name: string } }) => item.metadata.name === "t").spec.order,
    1,
  );
  assertEquals((await api.ask("GET", `${TIERS}?at=0`)).body.items, []);
  assertEquals((await api.ask("GET", `${TIERS}/t?at=9999-01-01T00:00:00Z`)).body.spec.order, 2);
});

Deno.test("handler serves every page of a list at the instant of the first", async () => {
  await using api = await setUp();
  const first = await api.ask("GET", `${TIERS}?limit=2`);
  assertEquals([first.body.items.length, first.body.metadata.remainingItemCount], [2, 1]);
  await api.ask("POST", TIERS, { body: tier("zz-late", 1) });
  const token = first.body.metadata.continue;
  const second = await api.ask("GET", `${TIERS}?limit=2&continue=${encodeURIComponent(token)}`);
  assertEquals(second.body.items.map((item: { metadata: { name: string } }) => item.metadata.name), ["kube-baseline"]);
  assertEquals(second.body.metadata.resourceVersion, first.body.metadata.resourceVersion);
  assertEquals(second.body.metadata.continue, undefined);
});

Deno.test("handler answers tables and metadata where they are asked for", async () => {
  await using api = await setUp();
  const table = await api.ask("GET", `${TIERS}/default`, { headers: { accept: `${TABLE},application/json` } });
  assertEquals([table.body.kind, table.body.rows.length, table.body.rows[0].cells[0]], ["Table", 1, "default"]);
  const accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
  const metadata = await api.ask("GET", TIERS, { headers: { accept } });
  assertEquals([metadata.body.kind, metadata.body.items[0].spec], ["PartialObjectMetadataList", undefined]);
});

Deno.test("handler deletes with a Status, and keeps what finalizers hold", async () => {
  await using api = await setUp();
  await api.ask("POST", TIERS, { body: tier("t", 1) });
  const gone = await api.ask("DELETE", `${TIERS}/t`);
  assertEquals([gone.status, gone.body.status, gone.body.details.name], [200, "Success", "t"]);
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "n", finalizers: ["example.com/x"] } };
  await api.ask("POST", "/api/v1/namespaces", { body: namespace });
  const held = await api.ask("DELETE", "/api/v1/namespaces/n");
  assertEquals(held.body.kind, "Namespace");
  assert(held.body.metadata.deletionTimestamp !== undefined);
});

Deno.test("handler honours the preconditions of a deletion", async () => {
  await using api = await setUp();
  await api.ask("POST", TIERS, { body: tier("t", 1) });
  const call = { body: { preconditions: { uid: "another" } } };
  const refused = await api.ask("DELETE", `${TIERS}/t`, call);
  assertEquals([refused.status, refused.body.reason], [409, "Conflict"]);
});

Deno.test("handler deletes what a collection's selector chooses, each by a command of its own", async () => {
  await using api = await setUp();
  for (const name of ["a", "b", "c"]) {
    const metadata = { name, labels: { old: name === "c" ? "no" : "yes" } };
    await api.ask("POST", "/api/v1/namespaces", { body: { apiVersion: "v1", kind: "Namespace", metadata } });
  }
  const answer = await api.ask("DELETE", "/api/v1/namespaces?labelSelector=old%3Dyes", {
    headers: { "idempotency-key": "k" },
  });
  assertEquals([answer.status, answer.body.status], [200, "Success"]);
  const ids = api.backend.commands.slice(-2).map(({ context }) => context.requestId);
  assertEquals(new Set(ids).size, 2);
  assert(ids.every((id) => id.startsWith("k/")));
  const left = (await api.ask("GET", "/api/v1/namespaces")).body.items;
  assertEquals(left.map((item: { metadata: { name: string } }) => item.metadata.name), ["c", "default", "kube-system"]);
});

Deno.test("handler stops a collection's deletion at the first refusal that matters", async () => {
  await using api = await setUp();
  const answer = await api.ask("DELETE", TIERS);
  assertEquals([answer.status, answer.body.kind, answer.body.code], [answer.body.code, "Status", answer.status]);
  assert(answer.status >= 400);
  assertEquals((await api.ask("GET", `${TIERS}/default`)).status, 200);
});

Deno.test("handler serves HEAD without a body and OPTIONS with the methods", async () => {
  await using api = await setUp();
  const head = await api.ask("HEAD", `${TIERS}/default`);
  assertEquals([head.status, head.body], [200, undefined]);
  assertEquals((await api.ask("HEAD", `${TIERS}/none`)).status, 404);
  const options = await api.ask("OPTIONS", `${TIERS}/default`);
  assertEquals([options.status, options.headers.get("Allow")], [204, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"]);
  assertEquals((await api.ask("OPTIONS", "/version")).headers.get("Allow"), "GET, HEAD, OPTIONS");
});

interface RefusalCase {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly call?: Call;
  readonly code: number;
  readonly says: string;
}

const REFUSALS: readonly RefusalCase[] = [
  { name: "an unknown path", method: "GET", path: "/x", code: 404, says: "could not find" },
  { name: "an unknown group", method: "GET", path: "/apis/x/v1", code: 404, says: "could not find" },
  { name: "an unknown kind", method: "GET", path: "/api/v1/x", code: 404, says: "could not find" },
  { name: "an unknown version", method: "GET", path: "/api/v2/pods", code: 404, says: "could not find" },
  {
    name: "a cluster kind in a namespace",
    method: "GET",
    path: "/api/v1/namespaces/default/nodes",
    code: 404,
    says: "could not",
  },
  {
    name: "a namespaced object without one",
    method: "GET",
    path: "/api/v1/pods/web",
    code: 404,
    says: "could not find",
  },
  { name: "an unknown subresource", method: "GET", path: `${TIERS}/default/scale`, code: 404, says: "could not find" },
  {
    name: "a missing object",
    method: "GET",
    path: `${TIERS}/x`,
    code: 404,
    says: 'tiers.projectcalico.org "x" not found',
  },
  { name: "bad encoding", method: "GET", path: `${TIERS}/%zz`, code: 400, says: "percent encoding" },
  {
    name: "a method without meaning",
    method: "POST",
    path: `${TIERS}/default`,
    call: { body: {} },
    code: 405,
    says: "method",
  },
  { name: "a write of discovery", method: "POST", path: "/apis", call: { body: {} }, code: 405, says: "method" },
  {
    name: "a create in all namespaces",
    method: "POST",
    path: "/api/v1/pods",
    call: { body: {} },
    code: 405,
    says: "method",
  },
  {
    name: "an Accept without JSON",
    method: "GET",
    path: TIERS,
    call: { headers: { accept: "text/html" } },
    code: 406,
    says: "Accept",
  },
  { name: "a bad selector", method: "GET", path: `${TIERS}?labelSelector=a%20in`, code: 400, says: "label selector" },
  { name: "a bad limit", method: "GET", path: `${TIERS}?limit=-1`, code: 400, says: "limit" },
  { name: "a bad token", method: "GET", path: `${TIERS}?continue=x`, code: 400, says: "continue" },
  { name: "a bad version", method: "GET", path: `${TIERS}?resourceVersion=x`, code: 400, says: "resourceVersion" },
  {
    name: "a bad match",
    method: "GET",
    path: `${TIERS}?resourceVersionMatch=x`,
    code: 400,
    says: "resourceVersionMatch",
  },
  { name: "a version to come", method: "GET", path: `${TIERS}?resourceVersion=99999`, code: 410, says: "Too large" },
  { name: "two instants", method: "GET", path: `${TIERS}?resourceVersion=1&at=1`, code: 400, says: "at most one" },
  { name: "an instant to come", method: "GET", path: `${TIERS}?at=99999`, code: 422, says: "head" },
  { name: "a time that is none", method: "GET", path: `${TIERS}?at=yesterday`, code: 400, says: "yesterday" },
  { name: "a write of the past", method: "POST", path: `${TIERS}?at=1`, call: { body: {} }, code: 400, says: "past" },
  { name: "a deletion in the past", method: "DELETE", path: `${TIERS}/default?at=1`, code: 400, says: "past" },
  { name: "bad JSON", method: "POST", path: TIERS, call: { body: "{\n]" }, code: 400, says: "line 2" },
  { name: "a list for an object", method: "POST", path: TIERS, call: { body: [] }, code: 400, says: "object" },
  { name: "bad metadata", method: "POST", path: TIERS, call: { body: { metadata: [] } }, code: 400, says: "metadata" },
  {
    name: "a number for a name",
    method: "POST",
    path: TIERS,
    call: { body: { metadata: { name: 1 } } },
    code: 400,
    says: "name",
  },
  {
    name: "another kind",
    method: "POST",
    path: TIERS,
    call: { body: { apiVersion: "v1", kind: "Pod", metadata: { name: "x" } } },
    code: 400,
    says: "does not match",
  },
  {
    name: "another name",
    method: "PUT",
    path: `${TIERS}/default`,
    call: { body: tier("x", 1) },
    code: 400,
    says: "does not match",
  },
  {
    name: "a form",
    method: "POST",
    path: TIERS,
    call: { body: "a=b", type: "text/plain" },
    code: 415,
    says: "Content-Type",
  },
  {
    name: "an unknown patch",
    method: "PATCH",
    path: `${TIERS}/default`,
    call: { body: {}, type: "application/json" },
    code: 415,
    says: "unknown format",
  },
  {
    name: "a strategic merge of our own kinds",
    method: "PATCH",
    path: `${TIERS}/default`,
    call: { body: {}, type: "application/strategic-merge-patch+json" },
    code: 415,
    says: "unknown format",
  },
  {
    name: "a patch list that is none",
    method: "PATCH",
    path: `${TIERS}/default`,
    call: { body: {}, type: "application/json-patch+json" },
    code: 400,
    says: "must be a list",
  },
  {
    name: "force without apply",
    method: "PATCH",
    path: `${TIERS}/default?force=true`,
    call: { body: {}, type: "application/merge-patch+json" },
    code: 400,
    says: "apply patch only",
  },
  {
    name: "a large body",
    method: "POST",
    path: TIERS,
    call: { body: " ".repeat(3_145_729) },
    code: 413,
    says: "limit is 3145728",
  },
  {
    name: "a foreign host",
    method: "GET",
    path: TIERS,
    call: { headers: { host: "evil.example" } },
    code: 421,
    says: "evil.example",
  },
  {
    name: "a foreign origin",
    method: "GET",
    path: TIERS,
    call: { headers: { origin: "http://evil.example" } },
    code: 403,
    says: "Origin",
  },
];

Deno.test("handler refuses what it cannot serve, by a Status that says why, and writes nothing", async (t) => {
  await using api = await setUp();
  const before = api.backend.head().position;
  for (const { name, method, path, call, code, says } of REFUSALS) {
    await t.step(name, async () => {
      const answer = await api.ask(method, path, call);
      assertEquals([answer.status, answer.body.kind, answer.body.code], [code, "Status", code]);
      assertStringIncludes(answer.body.message, says);
    });
  }
  assertEquals(api.backend.head().position, before);
});

Deno.test("handler tells failures of the world by a Status, and lets bugs through", async () => {
  await using memory = await MemoryBackend.create();
  const failing = (error: Error): ApiBackend => ({
    current: () => memory.current(),
    head: () => memory.head(),
    stateAt: (at) => memory.stateAt(at),
    follow: (from, signal) => memory.follow(from, signal),
    submit: () => Promise.reject(error),
  });
  const askWith = (error: Error) =>
    asker(createApiHandler({ backend: failing(error), clock: systemClock, random: systemRandom, version: "0" }));
  const lost = new OperationalError("Cannot reach the database", {
    operation: "append",
    subject: "log",
    retry: "backoff",
  });
  const answer = await askWith(lost)("POST", TIERS, { body: tier("t", 1) });
  assertEquals([answer.status, answer.headers.get("Retry-After")], [503, "1"]);
  await assertRejects(() => askWith(new TypeError("a bug"))("POST", TIERS, { body: tier("t", 1) }), TypeError, "a bug");
});

Deno.test("handler answers the resources that are not stored", async () => {
  await using api = await setUp();
  const events = await api.ask("GET", "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dx");
  assertEquals([events.body.kind, events.body.items], ["EventList", []]);
  assertEquals((await api.ask("GET", "/api/v1/events/x")).status, 404);
  assertEquals((await api.ask("POST", "/api/v1/events", { body: {} })).status, 405);
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const spec = { resourceAttributes: { verb: "get", resource: "pods" } };
  const review = await api.ask("POST", path, { body: { kind: "SelfSubjectAccessReview", spec } });
  assertEquals([review.status, review.body.spec, review.body.status.allowed], [201, spec, true]);
  assertEquals((await api.ask("GET", path)).status, 405);
});
