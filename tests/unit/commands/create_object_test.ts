/**
 * CreateObject: what is filled in, what the event says, and everything that stands against a creation.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { PAYLOAD_BYTES_MAX } from "#/events/envelope.ts";
import { decideObjectCommand } from "#/server/decide/object_commands.ts";
import { SERVED_KINDS } from "#/server/decide/decide.ts";
import {
  CONTEXT,
  create,
  given,
  lines,
  namespace,
  namespacedPolicy,
  payloadOf,
  pod,
  policy,
  refOf,
  refused,
  remove,
  tier,
} from "./cluster.ts";

Deno.test("CreateObject makes one event with everything that the server sets", () => {
  const cluster = given();
  const decision = cluster.run(create(tier("secure", 5)), { reason: "audit" });
  assertEquals(lines(decision), ["TierCreated projectcalico.org/tiers/-/secure@1"]);
  const [event] = decision.events;
  const uid = payloadOf(event).object.metadata.uid!;
  assertMatch(uid, /^00000000-0000-4000-8000-/);
  assertEquals(event!.object, { group: "projectcalico.org", kind: "Tier", namespace: "", name: "secure", uid });
  assertEquals(event!.schemaVersion, 1);
  assertEquals(event!.context, { ...CONTEXT, reason: "audit" });
  const { metadata, spec } = payloadOf(event).object;
  assertMatch(metadata.creationTimestamp!, /^2026-01-01T00:00:\d\dZ$/);
  assertEquals(metadata.generation, 1);
  assertEquals(metadata.resourceVersion, undefined);
  assertEquals(spec, { order: 5, defaultAction: "Deny" });
  assertEquals(decision.created, true);
  assertEquals(decision.object, payloadOf(event).object);
});

Deno.test("CreateObject ignores what only the server may set", () => {
  const sent = tier("secure");
  const metadata = { ...sent.metadata, generation: 9, creationTimestamp: "2000-01-01T00:00:00Z", uid: "mine" };
  const { object } = given().run(create({ ...sent, metadata }));
  assertEquals(object!.metadata.generation, 1);
  assertMatch(object!.metadata.creationTimestamp!, /^2026/);
  assertMatch(object!.metadata.uid!, /^00000000-/);
});

Deno.test("CreateObject refuses what is there already", () => {
  refused(
    given(create(policy("x"))).decide(create(policy("x"))),
    "AlreadyExists",
    'globalnetworkpolicies.projectcalico.org "x" already exists',
  );
});

Deno.test("CreateObject goes on with the revisions of a deleted object of that name", () => {
  const cluster = given(create(tier("a")));
  cluster.run(remove(refOf(tier("a"))));
  const decision = cluster.run(create(tier("a")));
  assertEquals(lines(decision), ["TierCreated projectcalico.org/tiers/-/a@3"]);
});

Deno.test("CreateObject completes generateName, and tries again when the name is taken", () => {
  const cluster = given();
  const sent = { ...tier(""), metadata: { name: "", generateName: "web-" } };
  const first = cluster.run(create(sent)).object!.metadata.name;
  assertMatch(first, /^web-[a-z0-9]{5}$/);
  const uuids = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"];
  const taken = (uuid: () => string) =>
    decideObjectCommand(
      {
        state: cluster.state,
        kinds: SERVED_KINDS,
        context: CONTEXT,
        inputs: { now: "2026-01-01T00:00:00.000Z", uuid },
      },
      create(sent),
    );
  const [a, b] = [...uuids];
  const once = taken(() => a!);
  assert(once.kind === "accepted");
  cluster.fold(once.events[0]!);
  let calls = 0;
  const again = taken(() => calls++ === 0 ? a! : b!);
  assert(again.kind === "accepted", JSON.stringify(again));
  assert(again.object!.metadata.name !== once.object!.metadata.name);
  refused(taken(() => a!), "AlreadyExists", `tiers.projectcalico.org "${once.object!.metadata.name}" already exists`);
});

Deno.test("CreateObject refuses a name that is missing, naming the field", () => {
  const refusal = given().decide(create(tier("")));
  assert(refusal.kind === "rejected" && refusal.reason === "Invalid");
  assertEquals(refusal.problems.map(({ path, reason }) => ({ path, reason })), [
    { path: "metadata.name", reason: "FieldValueRequired" },
  ]);
});

Deno.test("CreateObject needs the namespace to be there", () => {
  refused(given().decide(create(namespacedPolicy("shop", "p"))), "NotFound", 'namespaces "shop" not found');
});

Deno.test("CreateObject adds nothing to a namespace that is being deleted", () => {
  const cluster = given(create(namespace("shop", { finalizers: ["example.com/hold"] })));
  cluster.run(remove(refOf(namespace("shop"))));
  refused(
    cluster.decide(create(pod("shop", "web"))),
    "Forbidden",
    'pods "web" is forbidden: unable to create new content in namespace shop because it is being terminated',
  );
});

Deno.test("CreateObject tells every broken rule of the kind at once, by field", () => {
  const refusal = given().decide(create(policy("p", { selector: "a ==", order: "high" })));
  assert(refusal.kind === "rejected" && refusal.reason === "Invalid", JSON.stringify(refusal));
  assertEquals(refusal.problems.some(({ path }) => path === "spec.order"), true);
  assertMatch(refusal.message, /^GlobalNetworkPolicy\.projectcalico\.org "p" is invalid: .*spec\.order: /);
});

Deno.test("CreateObject judges unknown fields by fieldValidation", () => {
  const sent = policy("p", { oder: 5 });
  refused(
    given().decide(create(sent, { fieldValidation: "Strict" })),
    "BadRequest",
    'GlobalNetworkPolicy in version "v3" cannot be handled as a GlobalNetworkPolicy: strict decoding error: unknown field "spec.oder"',
  );
  const warned = given().run(create(sent, { fieldValidation: "Warn" }));
  assertEquals(warned.warnings, ['unknown field "spec.oder"']);
  const ignored = given().run(create(sent, { fieldValidation: "Ignore" }));
  assertEquals(ignored.warnings, []);
  assertEquals(ignored.object!.spec!.oder, undefined);
});

Deno.test("CreateObject refuses an object that does not fit its path", () => {
  const cluster = given(create(namespace("shop")));
  const ref = refOf(tier("a"));
  const options = { dryRun: false, fieldManager: "test", fieldValidation: "Strict" } as const;
  const sent = (object: ReturnType<typeof tier>) => cluster.decide({ kind: "CreateObject", ref, object, options });
  refused(
    sent({ ...tier("a"), apiVersion: "projectcalico.org/v1" }),
    "BadRequest",
    "the API version in the data (projectcalico.org/v1) does not match the expected API version (projectcalico.org/v3)",
  );
  refused(
    sent({ ...tier("a"), kind: "Tear" }),
    "BadRequest",
    "the kind in the data (Tear) does not match the expected kind (Tier)",
  );
  refused(
    cluster.decide({ kind: "CreateObject", ref: { ...refOf(pod("shop", "a")) }, object: pod("other", "a"), options }),
    "BadRequest",
    "the namespace of the provided object (other) does not match the namespace sent on the request (shop)",
  );
  refused(
    sent({ ...tier("a"), metadata: { name: "a", resourceVersion: "5" } }),
    "BadRequest",
    "resourceVersion should not be set on objects to be created",
  );
  refused(
    cluster.decide({ kind: "CreateObject", ref: { ...ref, plural: "tears" }, object: tier("a"), options }),
    "NotFound",
    "the server could not find the requested resource",
  );
});

Deno.test("CreateObject makes no event on a dry run, and answers as if it had", () => {
  const decision = given().run(create(tier("a"), { dryRun: true }));
  assertEquals(decision.events, []);
  assertEquals(decision.created, true);
  assertEquals(decision.object!.spec, { order: 100, defaultAction: "Deny" });
  assertEquals(decision.object!.metadata.resourceVersion, undefined);
});

Deno.test("CreateObject keeps status from users where the kind has a status subresource", () => {
  const cluster = given(create(namespace("shop")));
  const { object } = cluster.run(create({ ...pod("shop", "web"), status: { phase: "Running", podIP: "10.0.0.1" } }));
  assertEquals(object!.status, { phase: "Pending" });
});

Deno.test("CreateObject takes the reason from the request, else from the annotation, which stays", () => {
  const annotations = { "tortie.dev/reason": "ticket 7" };
  const annotated = { ...tier("a"), metadata: { name: "a", annotations } };
  const said = given().run(create(annotated));
  assertEquals(said.events[0]!.context.reason, "ticket 7");
  assertEquals(payloadOf(said.events[0]).object.metadata.annotations, annotations);
  const asked = given().run(create(annotated), { reason: "ticket 8" });
  assertEquals(asked.events[0]!.context.reason, "ticket 8");
});

Deno.test("CreateObject refuses an object that is too large", () => {
  const cluster = given(create(namespace("shop")));
  const sent = pod("shop", "web");
  const spec = { ...sent.spec, note: "x".repeat(PAYLOAD_BYTES_MAX) };
  refused(
    cluster.decide(create({ ...sent, spec })),
    "BadRequest",
    `Request entity too large: limit is ${PAYLOAD_BYTES_MAX}`,
  );
});

Deno.test("CreateObject refuses what is nested too deep, without running out of stack", () => {
  const cluster = given(create(namespace("shop")));
  let deep: Record<string, unknown> = {};
  for (let depth = 0; depth < 100_000; depth++) deep = { deep };
  const sent = { ...pod("shop", "web"), spec: JSON.parse("{}") };
  sent.spec.deep = deep;
  refused(cluster.decide(create(sent)), "BadRequest", "The object must be nested at most 128 levels deep");
});
