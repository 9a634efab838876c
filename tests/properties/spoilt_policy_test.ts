/**
 * Objects that no admission let in, as a log may hold them: one part of one object is missing, empty or nonsense. Whatever it is, no engine stops, and all
 * read it alike.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { isJsonObject, type Json } from "#/base/json.ts";
import { resolveFlow } from "#/policy/oracle/flow.ts";
import { flowJudge } from "#/policy/flow_judge.ts";
import { evaluate } from "#/policy/oracle/oracle.ts";
import type { PolicyObjects } from "#/policy/policy_objects.ts";
import { policyWorld } from "#/policy/oracle/world.ts";
import { compileObjects } from "#/projections/compiled_policies.ts";
import type { KubeObject } from "#/resources/object.ts";
import { packetText } from "./ir_cases.ts";
import { positionsOf, toldByEngine, toldByOracle } from "./policy_comparison.ts";
import { policyCaseInTransition } from "./policy_worlds.ts";

const RUNS = 1500;
const FLOWS_PER_CASE = 30;
/** Printed on failure; set to repeat a run. */
const SEED = Number(Deno.env.get("TORTIE_TEST_SEED") ?? Date.now() % 2 ** 31);

/** Policies are spoilt most often: they say most. */
const MEMBERS: readonly (keyof PolicyObjects)[] = [
  "policies",
  "policies",
  "policies",
  "policies",
  "hostEndpoints",
  "networkSets",
  "profiles",
  "endpointSlices",
  "workloadEndpoints",
  "tiers",
];
const TEXTS = ["", "bogus", "80", "0:5", "a b", "ICMPv6", "tcp", "global()", "Allow", "fd00::1", "*"];
const NUMBERS = [0, -1, 1, 58, 255, 256, 65_536];

/** Where to spoil, as draws of whatever size there turns out to be; and with what. */
const spoiling = fc.record({
  member: fc.constantFrom(...MEMBERS),
  object: fc.nat(1000),
  part: fc.nat(100_000),
  how: fc.constantFrom<("remove" | "replace")[]>("remove", "replace", "replace"),
  text: fc.constantFrom(...TEXTS),
  number: fc.constantFrom(...NUMBERS),
});
type Spoiling = typeof spoiling extends fc.Arbitrary<infer Drawn> ? Drawn : never;

/** The objects with one part of one of them spoilt, and its path; nothing is spoilt where there is no such object. */
function spoilt(objects: PolicyObjects, drawn: Spoiling): { readonly objects: PolicyObjects; readonly path: string } {
  const list = objects[drawn.member] ?? [];
  const at = drawn.object % Math.max(1, list.length);
  const object = list[at];
  if (object === undefined) return { objects, path: "" };
  const { apiVersion, kind, metadata, ...rest } = structuredClone(object);
  const parts = partsOf(rest as Json, "");
  const part = parts[drawn.part % Math.max(1, parts.length)];
  part?.change(part.value, drawn);
  const changed = { apiVersion, kind, metadata, ...rest } as KubeObject;
  return {
    objects: { ...objects, [drawn.member]: list.with(at, changed) },
    path: `${kind}${part?.path ?? ""} ${drawn.how} ${JSON.stringify(changed)}`,
  };
}

/** A member of an object, or an item of a list, that may be spoilt in place. */
interface Part {
  readonly path: string;
  readonly value: Json;
  readonly change: (value: Json, drawn: Spoiling) => void;
}

function partsOf(value: Json, path: string): readonly Part[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: Json, at) => [
      {
        path: `${path}[${at}]`,
        value: item,
        change: (old, drawn) =>
          drawn.how === "remove" ? value.splice(at, 1) : value.splice(at, 1, replacement(old, drawn)),
      } satisfies Part,
      ...partsOf(item, `${path}[${at}]`),
    ]);
  }
  if (!isJsonObject(value)) return [];
  // The value is a copy of this test's own.
  const members = value as Record<string, Json>;
  return Object.entries(members).flatMap(([key, member]) => [
    {
      path: `${path}.${key}`,
      value: member,
      change: (old, drawn) => {
        if (drawn.how === "remove") delete members[key];
        else members[key] = replacement(old, drawn);
      },
    } satisfies Part,
    ...partsOf(member, `${path}.${key}`),
  ]);
}

/** Nonsense of the same type. */
function replacement(old: Json, { text, number }: Spoiling): Json {
  if (Array.isArray(old)) return [];
  if (typeof old === "string") return text;
  if (typeof old === "number") return number;
  return typeof old === "boolean" ? !old : {};
}

Deno.test("whatever part of an object is spoilt, no engine stops and all read it alike", () => {
  let spoiltParts = 0;
  fc.assert(
    fc.property(policyCaseInTransition(FLOWS_PER_CASE), spoiling, (one, drawn) => {
      const { objects, path } = spoilt(one.objects, drawn);
      if (path !== "") spoiltParts += 1;
      const positions = positionsOf(objects);
      const world = policyWorld(objects);
      for (const scope of ["enforced", "pending"] as const) {
        const judge = flowJudge(compileObjects(objects, scope, { positionOf: positions.of }));
        for (const asked of one.flows) {
          const flow = resolveFlow(world, asked);
          assert(flow.kind === "resolved");
          const [engine, oracle] = [
            toldByEngine(judge(flow.packet), positions),
            toldByOracle(evaluate(world, flow, scope)),
          ];
          if (engine.join("\n") !== oracle.join("\n")) {
            assertEquals(engine, oracle, `${packetText(flow.packet)}, ${path}`);
          }
        }
      }
    }),
    { numRuns: RUNS, seed: SEED },
  );
  assert(spoiltParts > RUNS / 2, `objects must be spoilt often: ${spoiltParts}`);
});
