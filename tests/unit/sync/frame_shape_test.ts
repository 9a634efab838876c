/**
 * Every member of every frame is looked at: each is spoilt in turn.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { checkFrame, isFrame } from "#/sync/frame_shape.ts";
import { NODE_ITEM_KINDS } from "#/projections/node_state.ts";
import { FRAMES, ITEMS } from "./frame_samples.ts";

Deno.test("checkFrame() takes every frame with an item of every kind", () => {
  for (const frame of FRAMES) {
    assertEquals(checkFrame(JSON.parse(JSON.stringify(frame))), undefined, JSON.stringify(frame));
  }
  assertEquals(new Set(ITEMS.map((item) => item.kind)), new Set(NODE_ITEM_KINDS));
});

Deno.test("checkFrame() misses every member that is left out, renamed or of another type", () => {
  for (const frame of FRAMES) {
    const value = JSON.parse(JSON.stringify(frame));
    for (const spoilt of spoil(value)) {
      assertEquals(isFrame(spoilt.value), spoilt.optional, `${spoilt.what} in ${JSON.stringify(frame)}`);
    }
  }
});

/** Members that a value may lack. */
const OPTIONAL = [
  "comment",
  "unreadable",
  "notProtocol",
  "notIcmp",
  "ingress",
  "egress",
  "mac",
  "containerId",
  "gateway",
  "port",
  "listenPort",
  "sourceAddress",
  "ipv4Address",
];

interface Spoilt {
  readonly what: string;
  readonly value: unknown;
  readonly optional: boolean;
}

/** The value with each of its members, at every depth, taken away or made an object. */
function* spoil(value: unknown, path: readonly (string | number)[] = []): Generator<Spoilt> {
  const at = path.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], value);
  if (typeof at !== "object" || at === null) return;
  for (const name of Object.keys(at)) {
    const without = structuredClone(value);
    const changed = structuredClone(value);
    const step = Array.isArray(at) ? Number(name) : name;
    if (!Array.isArray(at)) {
      delete (path.reduce<unknown>((inner, each) => (inner as Record<string, unknown>)[each], without) as Record<
        string,
        unknown
      >)[name];
      const isEndpointChain = path.length === 1 && (name === "ingress" || name === "egress");
      yield { what: `no ${name}`, value: without, optional: OPTIONAL.includes(name) && !isEndpointChain };
    }
    (path.reduce<unknown>((inner, each) => (inner as Record<string, unknown>)[each], changed) as Record<
      string,
      unknown
    >)[name] = { x: 1 };
    yield { what: `another ${name}`, value: changed, optional: false };
    yield* spoil(value, [...path, step]);
  }
}
