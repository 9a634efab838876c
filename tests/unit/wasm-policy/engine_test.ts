/**
 * Chains judged by a compiled image: tiers, profiles, defaults, and sets.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseIp } from "#/base/ip.ts";
import { ANY_SIDE, type ChainIr, type PolicyIr, policyKey, type RuleIr } from "#/policy/ir.ts";
import type { Packet } from "#/policy/packet.ts";
import type { CompiledSet } from "#/policy/compiled.ts";
import { packetColumns } from "#/wasm-policy/flow_batch.ts";
import { SHARED } from "#/wasm-policy/layout.ts";
import { compileImage } from "#/wasm-policy/engine.ts";
import { rule } from "../agents/nftables/items.ts";

const TCP_80: Packet = {
  source: parseIp("10.0.0.1")!,
  destination: parseIp("10.0.0.2")!,
  protocol: 6,
  sourcePort: 1000,
  destinationPort: 80,
  icmp: undefined,
};
const UDP_53: Packet = { ...TCP_80, protocol: 17, destinationPort: 53 };

function policy(
  name: string,
  ingress: readonly RuleIr[] | undefined,
  kind: PolicyIr["ref"]["kind"] = "GlobalNetworkPolicy",
): PolicyIr {
  return { ref: { kind, namespace: "", name }, tier: "default", ingress, egress: undefined };
}

const POLICIES: readonly PolicyIr[] = [
  policy("empty", []),
  policy("allow-tcp", [rule("2/i/0", "allow", { protocol: 6 })]),
  policy("deny-udp", [rule("3/i/0", "log"), rule("3/i/1", "deny", { protocol: 17 })]),
  policy("pass", [rule("4/i/0", "pass")]),
  policy("ungoverned", undefined),
  policy("open", [rule("5/i/0", "allow")], "Profile"),
  policy("passes", [rule("6/i/0", "pass"), rule("6/i/1", "deny")], "Profile"),
  policy("closed", [rule("7/i/0", "deny")], "Profile"),
  policy("silent", [], "Profile"),
];

function chain(
  tiers: readonly (readonly string[])[],
  profiles: readonly string[],
  defaultAction: "deny" | "pass" = "deny",
): ChainIr {
  return {
    tiers: tiers.map((names, at) => ({
      tier: `t${at}`,
      defaultAction,
      policies: names.map((name) => `GlobalNetworkPolicy//${name}`),
    })),
    profiles: profiles.map((name) => `Profile//${name}`),
  };
}

const IMAGE = compileImage({ policies: new Map(POLICIES.map((one) => [policyKey(one.ref), one])), sets: new Map() });

const CASES: readonly {
  readonly name: string;
  readonly chain: ChainIr;
  readonly tcp: string;
  readonly udp: string;
}[] = [
  { name: "nothing", chain: chain([], []), tcp: "deny", udp: "deny" },
  { name: "a policy that allows", chain: chain([["allow-tcp"]], ["open"]), tcp: "allow 2/i/0", udp: "deny" },
  {
    name: "a policy that allows in a tier that passes",
    chain: chain([["allow-tcp"]], ["open"], "pass"),
    tcp: "allow 2/i/0",
    udp: "allow 5/i/0",
  },
  {
    name: "policies of one tier in order",
    chain: chain([["deny-udp", "allow-tcp"]], ["open"]),
    tcp: "allow 2/i/0",
    udp: "deny 3/i/1",
  },
  {
    name: "a pass, which leaves the tier and not only the policy",
    chain: chain([["pass", "deny-udp"], ["allow-tcp"]], []),
    tcp: "allow 2/i/0",
    udp: "deny",
  },
  { name: "a pass of the last tier", chain: chain([["pass"]], ["open"]), tcp: "allow 5/i/0", udp: "allow 5/i/0" },
  { name: "a tier of a policy without rules", chain: chain([["empty"]], ["open"]), tcp: "deny", udp: "deny" },
  {
    name: "a policy that is missing",
    chain: chain([["none", "allow-tcp"]], ["open"], "pass"),
    tcp: "deny",
    udp: "deny",
  },
  {
    name: "a policy that does not govern the direction",
    chain: chain([["ungoverned"]], ["open"], "pass"),
    tcp: "deny",
    udp: "deny",
  },
  {
    name: "profiles in order, of which one passes and one says nothing",
    chain: chain([], ["passes", "silent", "closed", "open"]),
    tcp: "deny 7/i/0",
    udp: "deny 7/i/0",
  },
  { name: "a profile that is missing", chain: chain([], ["none", "open"]), tcp: "deny", udp: "deny" },
];

for (const { name, chain, tcp, udp } of CASES) {
  Deno.test(`PolicyImage.judge() goes through ${name}`, () => {
    const judged = (packet: Packet) => {
      const { action, ruleId } = IMAGE.judge(chain, "ingress", packet);
      return ruleId === undefined ? action : `${action} ${ruleId}`;
    };
    assertEquals([judged(TCP_80), judged(UDP_53)], [tcp, udp]);
  });
}

Deno.test("PolicyImage.judge() judges each direction by its own rules", () => {
  const both: PolicyIr = { ...policy("both", [rule("1/i/0", "allow")]), egress: [rule("1/e/0", "deny")] };
  const image = compileImage({ policies: new Map([["GlobalNetworkPolicy//both", both]]), sets: new Map() });
  const judged = (["ingress", "egress"] as const).map((direction) =>
    image.judge(chain([["both"]], []), direction, TCP_80)
  );
  const by = { policy: "GlobalNetworkPolicy//both", tier: "t0" };
  assertEquals(judged, [{ action: "allow", ruleId: "1/i/0", ...by }, { action: "deny", ruleId: "1/e/0", ...by }]);
});

/** Whether a policy allows that asks for one set at one end. */
function inSet(
  set: CompiledSet | undefined,
  side: "source" | "destination",
  member: "sets" | "portSets",
  packet: Packet,
): boolean {
  const asks = { ...ANY_SIDE, [member]: ["x"], ...member === "portSets" ? { ports: [] } : {} };
  const one = policy("p", [rule("1/i/0", "allow", { [side]: asks })]);
  const sets = new Map(set === undefined ? [] : [["x", set]]);
  const image = compileImage({ policies: new Map([["GlobalNetworkPolicy//p", one]]), sets });
  return image.judge(chain([["p"]], []), "ingress", packet).action === "allow";
}

Deno.test("compileImage() looks addresses up in sets of addresses and networks of both families", () => {
  const set: CompiledSet = { type: "net", members: ["10.0.0.1", "192.168.0.0/16", "fd00::/64", "fe80::1"] };
  const from = (address: string) => inSet(set, "source", "sets", { ...TCP_80, source: parseIp(address)! });
  const held = ["10.0.0.1", "192.168.255.255", "fd00::ffff", "fe80::1"].map(from);
  const strange = ["10.0.0.2", "192.169.0.0", "fd00:0:0:1::", "fe80::2", "::a00:1", "::ffff:10.0.0.1"].map(from);
  assertEquals([held, strange], [[true, true, true, true], [false, false, false, false, false, false]]);
  assertEquals(inSet(set, "destination", "sets", TCP_80), false);
});

Deno.test("compileImage() looks address, protocol and port up in sets of ports", () => {
  const set: CompiledSet = { type: "ipPort", members: ["10.0.0.2,tcp:80", "10.0.0.1,udp:1000", "fd00::2,sctp:80"] };
  const at = (packet: Partial<Packet>, side: "source" | "destination" = "destination") =>
    inSet(set, side, "portSets", { ...TCP_80, ...packet });
  assertEquals([at({}), at({ protocol: 17 }, "source"), at({ destination: parseIp("fd00::2")!, protocol: 132 })], [
    true,
    true,
    true,
  ]);
  assertEquals(
    [
      at({ protocol: 17 }),
      at({ destinationPort: 81 }),
      at({}, "source"),
      at({ destinationPort: undefined, protocol: 47 }),
    ],
    [false, false, false, false],
  );
});

Deno.test("compileImage() takes a set that is missing or empty for one that holds nothing", () => {
  for (const set of [undefined, { type: "net", members: [] }] as const) {
    assertEquals(inSet(set, "source", "sets", TCP_80), false);
    assertEquals(inSet(set, "source", "portSets", TCP_80), false);
  }
});

Deno.test("compileImage() keeps policies apart whose names differ by a direction or a dot", () => {
  const names = ["a", "a.ingress", "a.egress", "a/b"];
  const policies = new Map(
    names.map((name, at) => [`GlobalNetworkPolicy//${name}`, policy(name, [rule(`${at}/i/0`, "allow")])]),
  );
  const image = compileImage({ policies, sets: new Map() });
  const told = names.map((name) => image.judge(chain([[name]], []), "ingress", TCP_80).ruleId);
  assertEquals(told, ["0/i/0", "1/i/0", "2/i/0", "3/i/0"]);
});

Deno.test("compileImage() tells a default that decides by its tier, its missing policy, or nothing", () => {
  const told = (tiers: readonly (readonly string[])[], profiles: readonly string[]) => {
    const { action, ruleId, policy, tier } = IMAGE.judge(chain(tiers, profiles), "ingress", TCP_80);
    return [action, ruleId, policy, tier];
  };
  assertEquals(told([["empty"]], []), ["deny", undefined, undefined, "t0"]);
  assertEquals(told([["none"]], []), ["deny", undefined, "GlobalNetworkPolicy//none", "t0"]);
  assertEquals(told([], ["none"]), ["deny", undefined, "Profile//none", undefined]);
  assertEquals(told([], []), ["deny", undefined, undefined, undefined]);
});

Deno.test("PolicyImage.judge() hands on at the end of a chain that says so", () => {
  const open: ChainIr = { ...chain([["empty"]], [], "pass"), atEnd: "continue" };
  for (const engine of ["code", "rows"] as const) {
    const image = compileImage(
      { policies: new Map(POLICIES.map((one) => [policyKey(one.ref), one])), sets: new Map() },
      { engine },
    );
    assertEquals(image.judge(open, "ingress", TCP_80).action, "continue", engine);
  }
});

Deno.test("PolicyImage.update() leaves what was numbered before as it was, and judges anew under the same chain", () => {
  for (const engine of ["code", "rows"] as const) {
    const of = (action: RuleIr["action"]) => policy("p", [rule(`${action}/i/0`, action)]);
    const input = (one: PolicyIr) => ({ policies: new Map([[policyKey(one.ref), one]]), sets: new Map() });
    const image = compileImage(input(of("allow")), { engine });
    const asked = chain([["p"]], []);
    const old = image.chainNumber(asked, "ingress");
    assertEquals(image.judge(asked, "ingress", TCP_80).ruleId, "allow/i/0");
    image.update(input(of("deny")));
    assertEquals(image.judge(asked, "ingress", TCP_80).ruleId, "deny/i/0", engine);
    const numbers = Uint32Array.of(old, image.chainNumber(asked, "ingress"));
    const results = image.judgeBatch(packetColumns([TCP_80, TCP_80]), numbers);
    assertEquals([...results].map((result, at) => image.verdictOf(numbers[at]!, result).ruleId), [
      "allow/i/0",
      "deny/i/0",
    ]);
  }
});

Deno.test("PolicyImage judges by the interpreter, and says so, where WebAssembly fails", () => {
  const failures: string[] = [];
  const onFailure = (message: string) => void failures.push(message);
  const policies = new Map(POLICIES.map((one) => [policyKey(one.ref), one]));
  const image = compileImage({ policies, sets: new Map() }, { engine: "rows", onFailure });
  const asked = chain([["deny-udp", "allow-tcp"]], ["open"]);
  image.judge(asked, "ingress", TCP_80);
  // A table of chains that lies outside of the memory: the next evaluation traps.
  new Uint32Array(image.memory.buffer)[SHARED.chains] = 0xffff_fff0;
  new Uint32Array(image.memory.buffer)[SHARED.memo] = 0;
  const number = image.chainNumber(asked, "ingress");
  const results = image.judgeBatch(packetColumns([TCP_80, UDP_53]), Uint32Array.of(number, number));
  assertEquals([...results].map((result) => image.verdictOf(number, result).ruleId), ["2/i/0", "3/i/1"]);
  assertEquals(failures.length, 1);
});

Deno.test("PolicyImage.isWorn() is false of a fresh image", () => assertEquals(IMAGE.isWorn(), false));

Deno.test("PolicyImage.prepareCode() compiles chains ahead, and twice does no harm", () => {
  const image = compileImage({ policies: new Map(POLICIES.map((one) => [policyKey(one.ref), one])), sets: new Map() });
  const asked = [chain([["allow-tcp"]], []), chain([["deny-udp"]], ["open"])];
  const numbers = asked.map((one) => image.chainNumber(one, "ingress"));
  image.prepareCode(numbers);
  image.prepareCode(numbers);
  assertEquals(asked.map((one) => image.judge(one, "ingress", UDP_53).ruleId), [undefined, "3/i/1"]);
});
