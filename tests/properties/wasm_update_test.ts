/**
 * An image that was updated step by step equals one compiled at once: the same verdicts by the same rules, and the same classes of addresses. Random sequences of
 * members, rules, policies and chains that come and go.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { policyKey } from "#/policy/ir.ts";
import { interpretChain } from "#/policy/ir_interpreter.ts";
import { compileImage, type ImageInput } from "#/wasm-policy/engine.ts";
import { membershipIn } from "#/policy/set_membership.ts";
import { type IrCase, irCase, packetText } from "./ir_cases.ts";

const SEQUENCES = 250;
/** Printed on failure; set to repeat a run. */
const SEED = Number(Deno.env.get("TORTIE_TEST_SEED") ?? Date.now() % 2 ** 31);

/** One change: something of another random case takes the place of what was there. */
type Step = {
  readonly kind: "set" | "member" | "rules" | "remove" | "add" | "chain";
  readonly pick: number;
  readonly other: IrCase;
};

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom("set", "member", "member", "rules", "remove", "add", "chain"),
  pick: fc.nat(100),
  other: irCase,
});

interface World {
  readonly input: ImageInput;
  readonly one: IrCase;
}

function worldOf(one: IrCase): World {
  return {
    one,
    input: {
      policies: new Map(one.policies.map((policy) => [policyKey(policy.ref), policy])),
      sets: new Map(one.sets.map((set) => [set.id, set])),
    },
  };
}

/** The world after a step; what the step does not touch stays the same object. */
function stepped({ input, one }: World, { kind, pick, other }: Step): World {
  const policies = new Map(input.policies);
  const sets = new Map(input.sets);
  const key = [...policies.keys()][pick % Math.max(1, policies.size)];
  const set = one.sets[pick % one.sets.length]!;
  const theirs = other.policies[pick % Math.max(1, other.policies.length)];
  switch (kind) {
    case "set":
      sets.set(set.id, other.sets.find(({ id }) => id === set.id)!);
      break;
    case "member": {
      const { type, members } = sets.get(set.id)!;
      const removed = members.filter((_, at) => at !== pick % Math.max(1, members.length));
      const added = other.sets.find(({ id }) => id === set.id)!.members[0];
      const next = pick % 2 === 0 || added === undefined ? removed : [...new Set([...members, added])].sort();
      sets.set(set.id, { type, members: next });
      break;
    }
    case "rules":
      if (key !== undefined && theirs !== undefined) {
        policies.set(key, { ...policies.get(key)!, ingress: theirs.ingress });
      }
      break;
    case "remove":
      if (key !== undefined) policies.delete(key);
      break;
    case "add":
      for (const policy of other.policies) {
        if (!policies.has(policyKey(policy.ref))) policies.set(policyKey(policy.ref), policy);
      }
      break;
    case "chain":
      return { input, one: { ...one, chain: other.chain } };
  }
  return { input: { policies, sets }, one };
}

Deno.test("PolicyImage.update() gives what compiling anew gives, after any sequence of changes", () => {
  let changes = 0;
  fc.assert(
    fc.property(irCase, fc.array(step, { minLength: 1, maxLength: 6 }), (first, steps) => {
      let world = worldOf(first);
      const images = (["code", "rows"] as const).map((engine) => compileImage(world.input, { engine }));
      const judgeAll = () => {
        const tables = { policies: world.input.policies, sets: membershipIn(world.input.sets) };
        for (const packet of world.one.packets) {
          const { action, ruleId, policy, tier } = interpretChain(world.one.chain, "ingress", packet, tables);
          for (const image of images) {
            const judged = image.judge(world.one.chain, "ingress", packet);
            assertEquals(judged, { action, ruleId, policy, tier }, packetText(packet));
          }
        }
      };
      judgeAll();
      for (const one of steps) {
        const before = world.input;
        world = stepped(world, one);
        if (world.input !== before) changes += 1;
        for (const image of images) image.update(world.input);
        judgeAll();
      }
      const fresh = compileImage(world.input).canonical();
      for (const image of images) assertEquals(image.canonical(), fresh);
    }),
    { numRuns: SEQUENCES, seed: SEED },
  );
  assertEquals(changes > SEQUENCES, true, `TORTIE_TEST_SEED=${SEED}: ${changes} changes`);
});
