/**
 * Clusters of objects for the engines that judge chains: the chains on the way of each flow become questions, and an engine's answers to them the verdict on the
 * flow, which the oracle's can be compared with.
 *
 * @module
 */
import { assert } from "@std/assert";
import { formatIp } from "#/base/ip.ts";
import type { CompiledPolicies, PolicyScope } from "#/policy/compiled.ts";
import { type Flow, type ResolvedFlow, resolveFlow } from "#/policy/oracle/flow.ts";
import { flowJudge } from "#/policy/flow_judge.ts";
import type { ChainIr, Direction } from "#/policy/ir.ts";
import { evaluate } from "#/policy/oracle/oracle.ts";
import type { Packet } from "#/policy/packet.ts";
import { endAt, pathOf } from "#/policy/path.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { policyWorld } from "#/policy/oracle/world.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import { SERVICE_NAME_LABEL } from "#/resources/kinds/peer_spec.ts";
import type { KubeObject } from "#/resources/object.ts";
import { policy } from "#tests/unit/policy/policy_builders.ts";
import { seeded } from "../../benches/support/seeded.ts";
import type { EngineCase } from "./engine_cases.ts";
import { packetText } from "./ir_cases.ts";
import { agreedAnswers, type Engine, type EngineAnswer, interpreted } from "./engine_comparison.ts";
import { packetsNear } from "./packets_near.ts";
import { type Positions, positionsOf, type Told, toldByEngine, toldByOracle } from "./policy_comparison.ts";
import type { PolicyCase } from "./policy_worlds.ts";

/** A flow with the places of its chains among the questions, and what the oracle says. */
interface WorldFlow {
  readonly flow: ResolvedFlow;
  /** By direction, for chains that say the same in both may be one object. */
  readonly questions: Readonly<Record<Direction, ReadonlyMap<ChainIr, number>>>;
  readonly oracle: Told;
}

/** A cluster as questions to engines. */
export interface EngineWorld {
  readonly objects: PolicyObjects;
  readonly scope: PolicyScope;
  readonly positions: Positions;
  readonly compiled: CompiledPolicies;
  readonly engineCase: EngineCase;
  readonly flows: readonly WorldFlow[];
}

/** How a world is made of a case. */
export interface WorldOptions {
  readonly scope: PolicyScope;
  /** Flows near the edges of what is compiled, besides those of the case. */
  readonly nearFlows: number;
  readonly seed: number;
}

/** Compiles a case, judges its flows by the oracle, and asks the rest. */
export function engineWorld({ objects, flows }: PolicyCase, { scope, nearFlows, seed }: WorldOptions): EngineWorld {
  const positions = positionsOf(objects);
  const compiled = compileObjects(objects, scope, { positionOf: positions.of });
  const addresses = [...compiled.endpoints, ...compiled.hostEndpoints].flatMap((endpoint) => endpoint.addresses);
  const near = packetsNear({ ...compiled, addresses }, nearFlows, seeded(seed)).map(flowOf);
  return worldOf(objects, scope, compiled, [...flows, ...near]);
}

/** A case with Services behind two workloads, one that may be spoken to and one that may not: random ones seldom meet a packet. */
export function withServices({ objects, flows }: PolicyCase): PolicyCase {
  const to = (name: string) => ({ destination: { services: { name, namespace: "n1" } } });
  const spec = { tier: "early", order: 0, types: ["Egress"] };
  const rules = [{ action: "Allow", ...to("allowed") }, { action: "Deny", ...to("denied") }];
  return {
    flows,
    objects: {
      ...objects,
      policies: [...objects.policies, policy("", "to-services", { ...spec, egress: rules })],
      endpointSlices: [...objects.endpointSlices ?? [], sliceOf("allowed", "10.0.0.1"), sliceOf("denied", "10.0.0.2")],
    },
  };
}

function sliceOf(service: string, address: string): KubeObject {
  const object = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: service, namespace: "n1", labels: { [SERVICE_NAME_LABEL]: service } },
    addressType: "IPv4",
    endpoints: [{ addresses: [address] }],
    ports: [{ name: "web", protocol: "TCP", port: 8080 }],
  };
  return object as unknown as KubeObject;
}

/** The same flows in other objects. */
function worldWith({ scope, flows }: EngineWorld, objects: PolicyObjects): EngineWorld {
  const compiled = compileObjects(objects, scope, { positionOf: positionsOf(objects).of });
  return worldOf(objects, scope, compiled, flows.map(({ flow }) => flowOf(flow.packet)));
}

function flowOf({ source, destination, protocol, sourcePort, destinationPort, icmp }: Packet): Flow {
  return {
    source: { kind: "address", address: formatIp(source) },
    destination: { kind: "address", address: formatIp(destination) },
    protocol,
    ...(destinationPort === undefined ? {} : { port: destinationPort, sourcePort }),
    ...(icmp === undefined ? {} : { icmp }),
  };
}

function worldOf(
  objects: PolicyObjects,
  scope: PolicyScope,
  compiled: CompiledPolicies,
  asked: readonly Flow[],
): EngineWorld {
  const world = policyWorld(objects);
  const chains = { ingress: new Map<ChainIr, number>(), egress: new Map<ChainIr, number>() };
  const listed: EngineCase["chains"][number][] = [];
  const questions: EngineCase["questions"][number][] = [];
  const flows = asked.map((one): WorldFlow => {
    const flow = resolveFlow(world, one);
    assert(flow.kind === "resolved", "Flows must have addresses of one family");
    const { packet } = flow;
    const path = pathOf(compiled, endAt(compiled, packet.source), endAt(compiled, packet.destination));
    const places = { ingress: new Map<ChainIr, number>(), egress: new Map<ChainIr, number>() };
    for (const { direction, chain } of path.steps.flat()) {
      const number = chains[direction].get(chain) ?? listed.push({ direction, chain }) - 1;
      chains[direction].set(chain, number);
      places[direction].set(chain, questions.push({ chain: number, packet }) - 1);
    }
    return { flow, questions: places, oracle: toldByOracle(evaluate(world, flow, scope)) };
  });
  const engineCase = { policies: compiled.policies, sets: compiled.sets, chains: listed, questions };
  return { objects, scope, positions: positionsOf(objects), compiled, engineCase, flows };
}

/**
 * The answers that all engines give, which tell of every flow what the oracle tells. Where they do not, throws with the difference and the smallest world that
 * still shows it.
 *
 * @param hint how to repeat the run
 */
export async function agreedVerdicts(
  world: EngineWorld,
  engines: readonly Engine[],
  hint: string,
): Promise<readonly EngineAnswer[]> {
  const answers = await agreedAnswers(world.engineCase, engines, hint);
  const [difference] = worldDifferences(world, answers);
  if (difference === undefined) return answers;
  const differences = (one: EngineWorld) => worldDifferences(one, interpreted(one.engineCase));
  const minimal = minimalWorld(world, difference.flow, (one) => differences(one).length > 0);
  const [left = difference] = differences(minimal);
  throw new Error(`The engines agree, and not with the oracle (${hint}): ${worldText(minimal, left)}`);
}

/** A flow on which an engine and the oracle do not agree. */
interface WorldDifference {
  readonly flow: ResolvedFlow;
  readonly oracle: Told;
  readonly engine: Told;
}

/** Flows whose verdicts, made of an engine's answers, are not the oracle's. */
function worldDifferences(
  { flows, positions, compiled }: EngineWorld,
  answers: readonly EngineAnswer[],
): readonly WorldDifference[] {
  let places: WorldFlow["questions"] | undefined;
  const judge = flowJudge(compiled, (chain, direction) => {
    const place = places?.[direction].get(chain);
    assert(place !== undefined, "Every chain on the way must have been asked");
    const { logged = [], ...answer } = answers[place]!;
    return { ...answer, logged };
  });
  return flows.flatMap((one) => {
    places = one.questions;
    const engine = toldByEngine(judge(one.flow.packet), positions);
    return engine.join("\n") === one.oracle.join("\n") ? [] : [{ flow: one.flow, oracle: one.oracle, engine }];
  });
}

/** Lists of objects that may lose one. */
const LISTS = [
  "policies",
  "tiers",
  "namespaces",
  "serviceAccounts",
  "workloadEndpoints",
  "hostEndpoints",
  "networkSets",
  "profiles",
  "endpointSlices",
] as const;

/** Things that making a world smaller may leave out. */
const SHRINKS_MAX = 500;

/** Leaves out of the objects what does not matter to a difference. */
function minimalWorld(world: EngineWorld, flow: ResolvedFlow, differs: (world: EngineWorld) => boolean): EngineWorld {
  const only = worldWith({ ...world, flows: world.flows.filter((one) => one.flow === flow) }, world.objects);
  let best = differs(only) ? only : world;
  for (let tries = 0; tries < SHRINKS_MAX; tries++) {
    const smaller = smallerObjects(best.objects).map((objects) => worldWith(best, objects)).find(differs);
    if (smaller === undefined) return best;
    best = smaller;
  }
  return best;
}

function* smallerObjects(objects: PolicyObjects): Generator<PolicyObjects> {
  for (const list of LISTS) {
    for (const [at] of (objects[list] ?? []).entries()) yield { ...objects, [list]: objects[list]!.toSpliced(at, 1) };
  }
  for (const [at, policy] of objects.policies.entries()) {
    for (const direction of ["ingress", "egress"] as const) {
      const rules = policy.spec?.[direction];
      if (!Array.isArray(rules)) continue;
      for (const [place] of rules.entries()) {
        const spec = { ...policy.spec, [direction]: rules.toSpliced(place, 1) };
        yield { ...objects, policies: objects.policies.with(at, { ...policy, spec }) };
      }
    }
  }
}

/** A difference and its world as text that can be read, and put into a test. */
function worldText({ objects, scope }: EngineWorld, { flow, oracle, engine }: WorldDifference): string {
  const lists = LISTS.flatMap((list) => (objects[list] ?? []).map((object) => `${list}: ${JSON.stringify(object)}`));
  return [
    `${packetText(flow.packet)} (${scope})`,
    ...oracle.map((line) => `oracle: ${line}`),
    ...engine.map((line) => `engine: ${line}`),
    ...lists,
  ].join("\n");
}
