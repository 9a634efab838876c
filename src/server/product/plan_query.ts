/**
 * `POST /tortie/v1/plan`: what applying objects would change. They are decided on a copy of a state as `tortie apply` would have them decided, one after
 * the other, and the copy is compared with the state. Nothing is written.
 *
 * @module
 */
import type { Json } from "#/base/json.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import {
  type IgnoredKind,
  type ManifestObject,
  type ManifestProblem,
  objectTitle,
} from "#/policy/manifests/manifest_document.ts";
import { readManifestObjects } from "#/policy/manifests/manifests.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { reachOptionsOf, type ReachQuestion } from "#/policy/reach/reach_question.ts";
import { workloadNames } from "#/policy/manifests/workload_names.ts";
import { type ClusterState, getObject } from "#/projections/cluster_state.ts";
import { applyEvent, cloneState, type MutableClusterState } from "#/projections/fold.ts";
import { manifestEndpoints } from "#/projections/manifest_endpoints.ts";
import { plannedConnections, plannedObject, type PolicyPlan } from "#/projections/policy_plan.ts";
import { type KubeObject, objectKey, type ObjectRef } from "#/resources/object.ts";
import { decide } from "#/server/decide/decide.ts";
import type { Command } from "#/server/decide/command.ts";
import { type Basis, basisOf, objectsOf } from "./reach_query.ts";

/** Most objects of one plan. */
export const PLAN_OBJECTS_MAX = 5_000;

/** A plan on a state. */
export interface PlanAnswer extends PolicyPlan {
  readonly basis: Basis;
  /** Kinds that policy does not rest on. */
  readonly ignored: readonly IgnoredKind[];
}

/** Collections whose objects others rest on, in order: they are applied first, wherever they stand. */
const FIRST_COLLECTIONS: readonly string[] = ["core/namespaces", "projectcalico.org/tiers"];

/** Plans the objects of a request's body. */
export function planAt(state: ClusterState, body: Json, question: ReachQuestion): PlanAnswer | Rejection {
  if (!Array.isArray(body)) return reject("BadRequest", "Body must be a JSON array of objects");
  if (body.length > PLAN_OBJECTS_MAX) {
    return reject("BadRequest", `Body must hold at most ${PLAN_OBJECTS_MAX} objects: ${body.length}`);
  }
  const documents = body.map((value: Json, at) => ({ file: "body", number: at + 1, value, lineOf: () => at + 1 }));
  const { objects, problems, ignored } = readManifestObjects(documents);
  if (problems.length > 0) return refused(problems);
  const after = cloneState(state);
  for (const object of inOrder(objects.filter(({ template }) => template === undefined))) {
    const refusal = apply(after, object);
    if (refusal !== undefined) return refusal;
  }
  const planned = objects.map((object) => plannedOf(state, after, object));
  return {
    basis: basisOf(state),
    objects: planned,
    connections: connectionsOf(state, after, objects, question),
    ignored,
  };
}

function refused(problems: readonly ManifestProblem[]): Rejection {
  const told = problems.map(({ place, object, path, message }) => ({
    path: path === "" ? `[${place.document - 1}]` : `[${place.document - 1}].${path}`,
    reason: "FieldValueInvalid",
    message: `${object}: ${message}`,
  }));
  return reject("Invalid", `Objects cannot be applied: ${told.length} problems`, told);
}

function inOrder(objects: readonly ManifestObject[]): readonly ManifestObject[] {
  const rank = ({ collection }: ManifestObject) => {
    const at = FIRST_COLLECTIONS.indexOf(collection);
    return at < 0 ? FIRST_COLLECTIONS.length : at;
  };
  return [...objects].sort((a, b) => rank(a) - rank(b));
}

/** Applies an object to the copy as `tortie apply` applies it to the log. */
function apply(after: MutableClusterState, { collection, object, written }: ManifestObject): Rejection | undefined {
  const ref = refOf(collection, object);
  let uuids = 0;
  const decision = decide(after, commandOf(ref, written), {
    now: after.occurredAt,
    uuid: () => `00000000-0000-4000-8000-${String(after.position * 100 + uuids++).padStart(12, "0")}`,
  });
  if (decision.kind === "rejected") {
    return { ...decision, message: `${objectTitle(written)} cannot be applied: ${decision.message}` };
  }
  for (const draft of decision.events) {
    applyEvent(after, { ...draft, position: after.position + 1, occurredAt: after.occurredAt });
  }
  return undefined;
}

function refOf(collection: string, { metadata }: KubeObject): ObjectRef {
  const [group = "", plural = ""] = collection.split("/");
  return { group: group === "core" ? "" : group, plural, namespace: metadata.namespace ?? "", name: metadata.name };
}

function commandOf(ref: ObjectRef, patch: Json): Command {
  return {
    context: {
      actor: { user: "system:plan", groups: [], authMethod: "system" },
      source: { via: "api" },
      requestId: "plan",
    },
    body: {
      kind: "PatchObject",
      ref,
      subresource: "",
      patchType: "apply",
      patch,
      force: true,
      options: { dryRun: false, fieldManager: "tortie", fieldValidation: "Strict" },
    },
  };
}

function plannedOf(before: ClusterState, after: ClusterState, { collection, object }: ManifestObject) {
  const { namespace = "", name } = object.metadata;
  const now = getObject(after, collection, namespace, name) ?? object;
  return plannedObject(getObject(before, collection, namespace, name), now);
}

function connectionsOf(
  before: ClusterState,
  after: ClusterState,
  objects: readonly ManifestObject[],
  question: ReachQuestion,
): PolicyPlan["connections"] {
  const [was, becomes] = [objectsOf(before), objectsOf(after)];
  const coming = comingEndpoints(after, becomes, objects);
  const next = { ...becomes, workloadEndpoints: [...becomes.workloadEndpoints, ...coming.endpoints] };
  const workloads = workloadNames(
    [...was.workloadEndpoints, ...next.workloadEndpoints],
    [...podsOf(before), ...podsOf(after), ...coming.pods],
    objects.filter(({ template }) => template !== undefined).map(({ object }) => object),
  );
  return plannedConnections(was, next, reachOptionsOf(question, { workloads, synthetic: coming.synthetic }));
}

interface ComingEndpoints {
  readonly endpoints: readonly KubeObject[];
  readonly pods: readonly KubeObject[];
  readonly synthetic: ReadonlySet<string>;
}

/** Endpoints that Pods and workloads of the plan will have, with made-up addresses, where there is none of theirs yet. */
function comingEndpoints(
  after: ClusterState,
  { workloadEndpoints }: PolicyObjects,
  objects: readonly ManifestObject[],
): ComingEndpoints {
  const place = { file: "", line: 0, document: 0 };
  const present = podsOf(after).map((object) => ({
    collection: "core/pods",
    object,
    written: {},
    place,
    placeOf: () => place,
  }));
  const workloads = objects.filter(({ template }) => template !== undefined);
  const { endpoints, pods, synthetic } = manifestEndpoints([...present, ...workloads]);
  const planned = new Set(
    objects.filter(({ collection }) => collection === "core/pods").map(({ object }) => objectKey(object.metadata)),
  );
  const presentKeys = new Set(present.map(({ object }) => objectKey(object.metadata)));
  const there = new Set(workloadEndpoints.map(({ metadata }) => objectKey(metadata)));
  const coming = endpoints.filter(({ metadata, spec }) => {
    const pod = `${metadata.namespace ?? ""}/${String(spec?.pod)}`;
    return !there.has(objectKey(metadata)) && (planned.has(pod) || !presentKeys.has(pod));
  });
  const ids = new Set(coming.map(({ metadata }) => objectKey(metadata)));
  return {
    endpoints: coming,
    pods: pods.filter(({ metadata }) => !presentKeys.has(objectKey(metadata))),
    synthetic: new Set([...synthetic].filter(([id]) => ids.has(id)).flatMap(([, addresses]) => addresses)),
  };
}

function podsOf(state: ClusterState): readonly KubeObject[] {
  return [...state.collections.get("core/pods")?.values() ?? []];
}
