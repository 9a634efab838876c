/**
 * Given / when / then for commands: a cluster is a list of past commands, decided and folded; a test then asks what one more command makes. Clock and
 * randomness are counters, so that a failure repeats.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Json } from "#/base/json.ts";
import type { Rejection } from "#/base/problem.ts";
import type { IntentPayload } from "#/events/catalog.ts";
import type { EventContext, EventDraft } from "#/events/envelope.ts";
import { getObject } from "#/projections/cluster_state.ts";
import { applyEvent, createState, type MutableClusterState } from "#/projections/fold.ts";
import { BUILTIN_OBJECTS } from "#/resources/builtin.ts";
import { collectionKey, type KubeObject, type ObjectRef } from "#/resources/object.ts";
import { KINDS } from "#/resources/registry.ts";
import type { Accepted, Decision, ObjectCommand, PatchType, WriteOptions } from "#/server/decide/command.ts";
import { decide } from "#/server/decide/decide.ts";

/** Who sends the commands of a test, unless it says otherwise. */
export const CONTEXT: EventContext = {
  actor: { user: "ann", groups: ["dev"], authMethod: "none" },
  source: { via: "api" },
  requestId: "request",
};

const OPTIONS: WriteOptions = { dryRun: false, fieldManager: "test", fieldValidation: "Strict" };

/** A cluster under test. */
export class Cluster {
  readonly state: MutableClusterState = createState();
  #uuids = 0;
  #seconds = 0;

  /** Decides a command on the cluster as it is; changes nothing. */
  decide(body: ObjectCommand, context: Partial<EventContext> = {}): Decision {
    this.#seconds += 1;
    const now = `2026-01-01T00:${String(Math.floor(this.#seconds / 60)).padStart(2, "0")}:${
      String(this.#seconds % 60).padStart(2, "0")
    }.123Z`;
    const uuid = () => `00000000-0000-4000-8000-${String(++this.#uuids).padStart(12, "0")}`;
    return decide(this.state, { context: { ...CONTEXT, ...context }, body }, { now, uuid });
  }

  /** Decides a command, which must be accepted, and folds its events. */
  run(body: ObjectCommand, context: Partial<EventContext> = {}): Accepted {
    const decision = this.decide(body, context);
    assert(decision.kind === "accepted", `Expected acceptance: ${JSON.stringify(decision)}`);
    for (const event of decision.events) this.fold(event);
    return decision;
  }

  /** Folds an event that no command of the test made. */
  fold(event: EventDraft): void {
    const position = this.state.position + 1;
    applyEvent(this.state, { ...event, position, occurredAt: "2026-01-01T00:00:00.000Z" });
  }

  /** An object of the cluster, which must be there. */
  get(ref: ObjectRef): KubeObject {
    const object = getObject(this.state, collectionKey(ref), ref.namespace, ref.name);
    assert(object !== undefined, `Expected ${ref.plural} "${ref.namespace}/${ref.name}"`);
    return object;
  }

  /** Whether an object is there. */
  has(ref: ObjectRef): boolean {
    return getObject(this.state, collectionKey(ref), ref.namespace, ref.name) !== undefined;
  }
}

/** A cluster with the built-in objects and whatever the past commands made. */
export function given(...past: readonly ObjectCommand[]): Cluster {
  const cluster = new Cluster();
  for (const object of BUILTIN_OBJECTS) cluster.run(create(object));
  for (const command of past) cluster.run(command);
  return cluster;
}

/** Where an object lives, by what it says of itself. */
export function refOf({ apiVersion, kind, metadata }: KubeObject): ObjectRef {
  const group = apiVersion.includes("/") ? apiVersion.split("/")[0]! : "";
  const known = KINDS.find((one) => one.group === group && one.kind === kind);
  assert(known !== undefined, `Expected a served kind: ${apiVersion} ${kind}`);
  return { group, plural: known.plural, namespace: metadata.namespace ?? "", name: metadata.name ?? "" };
}

/** Differences from the usual options of a write. */
export interface Asked extends Partial<WriteOptions> {
  readonly subresource?: string;
  readonly force?: boolean;
}

/** POST of an object. */
export function create(object: KubeObject, asked: Asked = {}): ObjectCommand {
  return { kind: "CreateObject", ref: refOf(object), object, options: { ...OPTIONS, ...asked } };
}

/** PUT of an object. */
export function replace(object: KubeObject, { subresource = "", ...asked }: Asked = {}): ObjectCommand {
  return { kind: "ReplaceObject", ref: refOf(object), subresource, object, options: { ...OPTIONS, ...asked } };
}

/** PATCH of an object. */
export function patch(ref: ObjectRef, patchType: PatchType, body: Json, asked: Asked = {}): ObjectCommand {
  const { subresource = "", force = false, ...options } = asked;
  return { kind: "PatchObject", ref, subresource, patchType, patch: body, force, options: { ...OPTIONS, ...options } };
}

/** PATCH by server-side apply. */
export function apply(object: KubeObject, fieldManager: string, asked: Asked = {}): ObjectCommand {
  return patch(refOf(object), "apply", object as unknown as Json, { ...asked, fieldManager });
}

/** DELETE of an object. */
export function remove(
  ref: ObjectRef,
  { dryRun = false, ...preconditions }: { uid?: string; resourceVersion?: string; dryRun?: boolean } = {},
): ObjectCommand {
  return { kind: "DeleteObject", ref, preconditions, dryRun };
}

/** What an event says happened, in one line: `TierCreated projectcalico.org/tiers/-/a@1`. */
export function lines(decision: Decision): string[] {
  assert(decision.kind === "accepted", `Expected acceptance: ${JSON.stringify(decision)}`);
  return decision.events.map((event) => `${event.type} ${event.stream}@${event.revision}`);
}

/** The payload of an event. */
export function payloadOf(event: EventDraft | undefined): IntentPayload {
  assert(event !== undefined, "Expected an event");
  return JSON.parse(event.payload);
}

/** The refusal, which it must be, of a reason. */
export function refused(decision: Decision, reason: Rejection["reason"], message: string): Rejection {
  assert(decision.kind === "rejected", `Expected a refusal: ${JSON.stringify(decision)}`);
  assertEquals({ reason: decision.reason, message: decision.message }, { reason, message });
  return decision;
}

/** A namespace. */
export function namespace(name: string, metadata: Partial<KubeObject["metadata"]> = {}): KubeObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, ...metadata } };
}

/** A tier. */
export function tier(name: string, order = 100): KubeObject {
  return { apiVersion: "projectcalico.org/v3", kind: "Tier", metadata: { name }, spec: { order } };
}

/** A global network policy. */
export function policy(name: string, spec: KubeObject["spec"] = {}): KubeObject {
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "GlobalNetworkPolicy",
    metadata: { name },
    spec: { selector: "all()", types: ["Ingress"], ...spec },
  };
}

/** A network policy. */
export function namespacedPolicy(namespace: string, name: string, spec: KubeObject["spec"] = {}): KubeObject {
  return {
    apiVersion: "projectcalico.org/v3",
    kind: "NetworkPolicy",
    metadata: { name, namespace },
    spec: { selector: "all()", types: ["Ingress"], ...spec },
  };
}

/** A pool of addresses. */
export function pool(name: string, cidr: string): KubeObject {
  return { apiVersion: "projectcalico.org/v3", kind: "IPPool", metadata: { name }, spec: { cidr } };
}

/** A Pod. */
export function pod(namespace: string, name: string, metadata: Partial<KubeObject["metadata"]> = {}): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace, name, ...metadata },
    spec: { nodeName: "node1", containers: [{ name: "main", image: "busybox" }] },
  };
}
