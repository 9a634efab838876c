/**
 * Decides what a node says and asks: endpoints bound, addresses assigned, one more block, drift. First step of the arrow for everything that comes
 * from kernels; called by `decide` with the node as the server authenticated it.
 *
 * A node may speak only of itself: of addresses in blocks that it holds, and of Pods that run on it. Every command may arrive again (an agent
 * repeats what was not answered), so a command whose effect is in force already is accepted and makes no event.
 *
 * @module
 */
import { assertNever } from "#/base/assert.ts";
import { compareBytewise } from "#/base/bytewise.ts";
import { cidrContains, formatCidr, maskCidr, parseCidr } from "#/base/cidr.ts";
import { formatIp, parseIp } from "#/base/ip.ts";
import { canonicalJson, isJsonObject, type Json } from "#/base/json.ts";
import { type Problem, reject, type Rejection, type RejectReason } from "#/base/problem.ts";
import {
  type AddressAssigned,
  type AddressReleased,
  dashed,
  type DriftFound,
  type EndpointBound,
  type EndpointUnbound,
} from "#/events/catalog.ts";
import type { EventContext, EventDraft } from "#/events/envelope.ts";
import {
  type BlockChoice,
  type BlockChoiceInput,
  chooseBlock,
  type HeldBlock,
  poolAllows,
  type PoolCandidate,
} from "#/ipam/block_choice.ts";
import { containerOfHandle } from "#/ipam/handles.ts";
import { type ClusterState, getObject } from "#/projections/cluster_state.ts";
import type { KubeObject } from "#/resources/object.ts";
import type { Accepted, DecideInputs, Decision } from "#/server/decide/command.ts";
import { endpointObject, factDraft, factObject } from "#/server/decide/fact_drafts.ts";
import type { NodeCommand } from "#/sync/reports.ts";

/** Differences one drift report may list; an agent that finds more says how many it left out. */
export const DRIFT_DIFFERENCES_MAX = 1000;

/**
 * Turns a node's command into events, or refuses it.
 *
 * Refusals: Forbidden when the node speaks of what is not its own, or has its share of blocks; Conflict when an address is in another hand or no block can be
 * given; NotFound for a missing pool or node; Invalid for text that is no address or network. An unbind of a sandbox that is no longer the bound one, a bind of a Pod
 * that was replaced meanwhile, and a release of what is not held are accepted without events: they are old news, and refusing them would only
 * make a node repeat them.
 *
 * @param node the node that sent the command, as authenticated
 * @param _inputs not used: nothing here needs a clock or randomness
 */
export function decideNodeCommand(
  state: ClusterState,
  node: string,
  command: NodeCommand,
  context: EventContext,
  _inputs: DecideInputs,
): Decision {
  const subject = subjectNode(command);
  if (subject !== node) {
    return reject("Forbidden", `Node "${node}" must speak of itself only: the command is about node "${subject}"`);
  }
  const desk: Desk = { state, node, context };
  switch (command.command) {
    case "BindEndpoint":
      return bindEndpoint(desk, command.endpoint);
    case "UnbindEndpoint":
      return unbindEndpoint(desk, command.endpoint);
    case "AssignAddress":
      return assignAddress(desk, command.assignment);
    case "ReleaseAddress":
      return releaseAddress(desk, command.release);
    case "RequestBlock":
      return requestBlock(desk, command.pool);
    case "ReportDrift":
      return reportDrift(desk, command.drift);
    default:
      return assertNever(command);
  }
}

/** What every decision here rests on. */
interface Desk {
  readonly state: ClusterState;
  readonly node: string;
  readonly context: EventContext;
}

function subjectNode(command: NodeCommand): string {
  switch (command.command) {
    case "BindEndpoint":
    case "UnbindEndpoint":
      return command.endpoint.node;
    case "AssignAddress":
      return command.assignment.node;
    case "ReleaseAddress":
      return command.release.node;
    case "RequestBlock":
      return command.node;
    case "ReportDrift":
      return command.drift.node;
    default:
      return assertNever(command);
  }
}

function bindEndpoint(desk: Desk, bound: EndpointBound): Decision {
  const { state, node } = desk;
  const key = `${bound.namespace}/${bound.pod}`;
  const pod = getObject(state, "core/pods", bound.namespace, bound.pod);
  if (pod !== undefined && bound.podUid !== "" && pod.metadata.uid !== bound.podUid) return nothing();
  const podNode = pod?.spec?.nodeName;
  if (typeof podNode === "string" && podNode !== "" && podNode !== node) {
    return reject("Forbidden", `Pod "${key}" must be bound by its own node "${podNode}": got node "${node}"`);
  }
  const payload: EndpointBound = {
    node,
    namespace: bound.namespace,
    pod: bound.pod,
    podUid: bound.podUid,
    containerId: bound.containerId,
    interfaceName: bound.interfaceName,
    mac: bound.mac,
    addresses: [...bound.addresses],
    netns: bound.netns,
  };
  const current = state.bindings.get(key);
  if (current !== undefined && sameBinding(current, payload)) return nothing();
  const refusal = addressesRefusal(desk, payload);
  if (refusal !== undefined) return refusal;
  return done(factDraft(desk, "EndpointBound", endpointObject(payload, payload.podUid), payload));
}

/** A binding may claim only addresses that this node assigned to this very container: a claim is what policy sets and routes are made of. */
function addressesRefusal({ state, node }: Desk, bound: EndpointBound): Rejection | undefined {
  if (bound.addresses.length === 0) return invalid("endpoint.addresses", "FieldValueRequired", "must name an address");
  for (const [index, address] of bound.addresses.entries()) {
    const path = `endpoint.addresses[${index}]`;
    if (!isCanonicalIp(address)) return invalid(path, "FieldValueInvalid", `must be an IP address: "${address}"`);
    const record = state.addresses.get(address);
    if (record?.node === node && containerOfHandle(record.handle) === bound.containerId) continue;
    const holder = record === undefined ? "to nobody" : `to "${record.handle}" on node "${record.node}"`;
    return reject("Conflict", `Address "${address}" must be assigned to the container that is bound: it is ${holder}`);
  }
  return undefined;
}

function unbindEndpoint(desk: Desk, unbound: EndpointUnbound): Decision {
  const current = desk.state.bindings.get(`${unbound.namespace}/${unbound.pod}`);
  if (current === undefined || current.node !== desk.node || current.containerId !== unbound.containerId) {
    return nothing();
  }
  const payload: EndpointUnbound = {
    node: desk.node,
    namespace: unbound.namespace,
    pod: unbound.pod,
    containerId: unbound.containerId,
  };
  return done(factDraft(desk, "EndpointUnbound", endpointObject(payload, current.podUid), payload));
}

function assignAddress(desk: Desk, assigned: AddressAssigned): Decision {
  const { state, node } = desk;
  const { address, handle } = assigned;
  const ip = parseIp(address);
  const block = parseCidr(assigned.block);
  if (ip === undefined || !isCanonicalIp(address)) {
    return invalid("assignment.address", "FieldValueInvalid", `must be an IP address: "${address}"`);
  }
  if (block === undefined || !cidrContains(block, ip)) {
    return invalid("assignment.block", "FieldValueInvalid", `must be a network with "${address}": "${assigned.block}"`);
  }
  if (handle === "") return invalid("assignment.handle", "FieldValueRequired", "must not be empty");
  const record = state.addresses.get(address);
  if (record !== undefined && record.handle === handle && record.node === node) return nothing();
  const holder = state.blocks.get(assigned.block)?.node;
  if (holder !== node) {
    const who = holder === undefined ? "nobody does" : `node "${holder}" does`;
    return reject("Forbidden", `Node "${node}" must hold block "${assigned.block}" to assign in it: ${who}`);
  }
  if (record !== undefined) {
    return reject("Conflict", `Address "${address}" must be free to be assigned: "${record.handle}" has it`);
  }
  const { namespace, pod } = assigned;
  const payload: AddressAssigned = { address, block: assigned.block, node, handle, namespace, pod };
  return done(factDraft(desk, "AddressAssigned", factObject("Address", dashed(address)), payload));
}

function releaseAddress(desk: Desk, released: AddressReleased): Decision {
  const { address, handle } = released;
  const record = desk.state.addresses.get(address);
  if (record === undefined || record.handle !== handle) return nothing();
  if (record.node !== desk.node) {
    return reject("Forbidden", `Address "${address}" must be released by node "${record.node}": got "${desk.node}"`);
  }
  const payload: AddressReleased = { address, block: record.block, node: desk.node, handle };
  return done(factDraft(desk, "AddressReleased", factObject("Address", dashed(address)), payload));
}

/**
 * Grants a block. A block that the node holds already and has assigned nothing in is the answer instead of a new one: that makes a repeated
 * request harmless. Agents drain their journal before they ask, so such a block is one whose grant they have not heard of.
 */
function requestBlock(desk: Desk, poolName: string | undefined): Decision {
  const { state, node } = desk;
  const nodeObject = getObject(state, "core/nodes", "", node);
  if (nodeObject === undefined) return reject("NotFound", `nodes "${node}" not found`);
  const input: BlockChoiceInput = {
    pools: poolCandidates(state),
    blocks: heldBlocks(state),
    node,
    nodeLabels: (key) => nodeObject.metadata.labels?.[key],
    poolName,
    // A request names no family; pods get IPv4 addresses unless a pool is named.
    family: poolName === undefined ? 4 : undefined,
  };
  const unused = unusedBlock(desk, input);
  if (unused !== undefined) return { ...nothing(), node: { result: "done", block: unused } };
  const choice = chooseBlock(input);
  if (choice.kind === "refused") return reject(CHOICE_REASONS[choice.reason], choice.message);
  const cidr = formatCidr(choice.cidr);
  const draft = factDraft(desk, "BlockGranted", factObject("Block", dashed(cidr)), { cidr, node, pool: choice.pool });
  return { ...done(draft), node: { result: "done", block: cidr } };
}

const CHOICE_REASONS: Readonly<Record<Extract<BlockChoice, { kind: "refused" }>["reason"], RejectReason>> = {
  "unknown-pool": "NotFound",
  "no-pool": "Conflict",
  "exhausted": "Conflict",
  // As Kubernetes answers to a quota that is used up.
  "limit": "Forbidden",
};

function unusedBlock({ state, node }: Desk, input: BlockChoiceInput): string | undefined {
  const allowed = new Set(input.pools.filter((pool) => poolAllows(pool, input)).map((pool) => pool.name));
  const used = new Set([...state.addresses.values()].map((record) => record.block));
  return [...state.blocks.values()].filter((block) => block.node === node && allowed.has(block.pool))
    .map((block) => block.cidr).filter((cidr) => !used.has(cidr)).sort(compareBytewise)[0];
}

function heldBlocks(state: ClusterState): readonly HeldBlock[] {
  return [...state.blocks.values()].flatMap(({ cidr, node }) => {
    const parsed = parseCidr(cidr);
    return parsed === undefined ? [] : [{ cidr: parsed, node }];
  });
}

/** The pools of a state as the choice of a block sees them; with the defaults of the kind, and without pools whose network cannot be read. */
function poolCandidates(state: ClusterState): readonly PoolCandidate[] {
  const pools = state.collections.get("projectcalico.org/ippools")?.values() ?? [];
  return [...pools].flatMap((pool) => poolCandidate(pool) ?? []);
}

function poolCandidate({ metadata, spec, status }: KubeObject): PoolCandidate | undefined {
  const cidr = typeof spec?.cidr === "string" ? parseCidr(spec.cidr) : undefined;
  if (cidr === undefined) return undefined;
  const blockSize = typeof spec?.blockSize === "number" && spec.blockSize !== 0 ? spec.blockSize : undefined;
  const uses = Array.isArray(spec?.allowedUses) ? spec.allowedUses.filter((use) => typeof use === "string") : [];
  return {
    name: metadata.name,
    cidr: maskCidr(cidr),
    blockSize: blockSize ?? (cidr.version === 4 ? 26 : 122),
    disabled: spec?.disabled === true || metadata.deletionTimestamp !== undefined || isRefused(status),
    nodeSelector: typeof spec?.nodeSelector === "string" ? spec.nodeSelector : "",
    allowedUses: uses.length === 0 ? ["Workload", "Tunnel"] : uses,
    assignmentMode: spec?.assignmentMode === "Manual" ? "Manual" : "Automatic",
  };
}

/** Whether a pool's status says that nothing may be allocated in it, because its network is another pool's. */
function isRefused(status: KubeObject["status"]): boolean {
  const conditions = Array.isArray(status?.conditions) ? status.conditions : [];
  return conditions.some((entry: Json) =>
    isJsonObject(entry) && entry.type === "Allocatable" && entry.status === "False"
  );
}

function reportDrift(desk: Desk, found: DriftFound): Decision {
  const { position, subject, repaired } = found;
  if (found.differences.length > DRIFT_DIFFERENCES_MAX) {
    const message = `must list at most ${DRIFT_DIFFERENCES_MAX} differences: ${found.differences.length}`;
    return invalid("drift.differences", "FieldValueInvalid", message);
  }
  const payload: DriftFound = { node: desk.node, position, subject, differences: [...found.differences], repaired };
  return done(factDraft(desk, "DriftFound", factObject("Drift", desk.node), payload));
}

function done(...events: readonly EventDraft[]): Accepted {
  return { kind: "accepted", events, created: false, warnings: [], node: { result: "done" } };
}

/** What was asked for is so already, or no longer matters. */
function nothing(): Accepted {
  return done();
}

function invalid(path: string, reason: Problem["reason"], message: string): Rejection {
  return reject("Invalid", `Node command is invalid: ${path}: ${message}`, [{ path, reason, message }]);
}

function isCanonicalIp(text: string): boolean {
  const ip = parseIp(text);
  return ip !== undefined && formatIp(ip) === text;
}

function sameBinding(a: EndpointBound, b: EndpointBound): boolean {
  return bindingText(a) === bindingText(b);
}

function bindingText(bound: EndpointBound): string {
  const { node, namespace, pod, podUid, containerId, interfaceName, mac, addresses, netns } = bound;
  return canonicalJson({ node, namespace, pod, podUid, containerId, interfaceName, mac, addresses, netns });
}
