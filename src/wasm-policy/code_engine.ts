/**
 * The engine of generated code: each policy is one function, each chain one that calls them. What is new goes into one module, whose chains call its own policies
 * directly and older ones through a slot of a shared table. An edited policy thus costs a small module, and what was compiled before stays as it was.
 *
 * Fast where few rules are tried; engine of single packets, of short chains, and the second opinion on rows of bits.
 *
 * @module
 */
import { assert } from "#/base/assert.ts";
import type { Direction, PolicyIr, RuleIr } from "#/policy/ir.ts";
import type { Packet } from "#/policy/packet.ts";
import type { Arena } from "./arena.ts";
import type { ChainDecisions } from "./chain_decisions.ts";
import { emitChain, emitRules, PARAMETER_COUNT } from "./emit.ts";
import { encodeModule, type FunctionBody } from "./encoder.ts";
import type { EndVocabulary, RuleFacts, Vocabulary } from "./rule_facts.ts";

/** A chain to be compiled. */
export interface CodeChain {
  readonly number: number;
  readonly direction: Direction;
  readonly compiled: ChainDecisions;
}

/** The engine. */
export interface CodeEngine {
  /** Compiles the chains that are not yet, and their policies, into one module. */
  prepare(chains: readonly CodeChain[], factsOf: (rule: RuleIr) => RuleFacts): void;
  /** Whether a chain is compiled. */
  isPrepared(chain: number): boolean;
  /** Judges a packet by a prepared chain: `number of the decision << 2 | code`. */
  run(chain: number, packet: Packet): number;
  /** Forgets what was compiled from rules whose meaning changed although they did not: named ports. */
  forgetPolicies(): void;
}

type ChainFunction = (...parameters: number[]) => number;

/** Makes the engine. */
export function createCodeEngine(arena: Arena, vocabulary: Vocabulary): CodeEngine {
  const table = new WebAssembly.Table({ element: "anyfunc", initial: 16 });
  let slots: Record<Direction, WeakMap<PolicyIr, number>> = { ingress: new WeakMap(), egress: new WeakMap() };
  let nextSlot = 0;
  const functions = new Map<number, ChainFunction>();
  const source = atomBits(arena, vocabulary.source);
  const destination = atomBits(arena, vocabulary.destination);
  return {
    prepare(chains, factsOf) {
      const asked = new Map(chains.map((chain) => [chain.number, chain]));
      const missing = [...asked.values()].filter(({ number }) => !functions.has(number));
      if (missing.length === 0) return;
      const bodies: FunctionBody[] = [];
      const fresh: Record<Direction, Map<PolicyIr, number>> = { ingress: new Map(), egress: new Map() };
      for (const { direction, compiled } of missing) {
        for (const { policy } of compiled.stages.flatMap(({ policies }) => policies)) {
          if (slots[direction].has(policy)) continue;
          slots[direction].set(policy, nextSlot);
          const code = emitRules(policy[direction]!.map(factsOf), vocabulary);
          fresh[direction].set(policy, bodies.push({ slot: nextSlot++, locals: 0, code }) - 1);
        }
      }
      for (const { number, direction, compiled } of missing) {
        const code = emitChain(compiled.stages, compiled.decisions, ({ policy }) => {
          const index = fresh[direction].get(policy);
          if (index !== undefined) return { kind: "direct", index };
          return { kind: "slot", slot: slots[direction].get(policy)! };
        });
        bodies.push({ export: String(number), locals: 1, code });
      }
      if (nextSlot > table.length) table.grow(Math.max(nextSlot - table.length, table.length));
      const bytes = encodeModule({ parameters: PARAMETER_COUNT, functions: bodies });
      const env = { memory: arena.memory, table };
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env });
      for (const { number } of missing) functions.set(number, exports[String(number)] as ChainFunction);
    },
    isPrepared: (chain) => functions.has(chain),
    run(chain, packet) {
      const code = functions.get(chain);
      assert(code !== undefined, `Chain must have been compiled before it judges: ${chain}`);
      return code(
        source(vocabulary.source.addresses.classOf(packet.source)),
        destination(vocabulary.destination.addresses.classOf(packet.destination)),
        packet.source.version,
        packet.protocol,
        packet.sourcePort ?? -1,
        packet.destinationPort ?? -1,
        packet.icmp?.type ?? -1,
        packet.icmp?.code ?? -1,
      );
    },
    forgetPolicies() {
      slots = { ingress: new WeakMap(), egress: new WeakMap() };
    },
  };
}

/** Addresses of the bits of atoms that a class has; made when first asked, all anew when atoms have become too many for their length. */
function atomBits(arena: Arena, { addresses }: EndVocabulary): (addressClass: number) => number {
  let room = 0;
  let made = new Map<number, number>();
  return (addressClass) => {
    if (addresses.keys.length > room) {
      room = Math.max(256, addresses.keys.length * 2);
      made = new Map();
    }
    const known = made.get(addressClass);
    if (known !== undefined) return known;
    const address = arena.allocate(Math.ceil(room / 32) * 4);
    for (const atom of addresses.lists.list(addressClass)) {
      arena.words[(address >> 2) + (atom >> 5)]! |= 1 << (atom & 31);
    }
    made.set(addressClass, address);
    return address;
  };
}
