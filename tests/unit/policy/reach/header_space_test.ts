/**
 * The space of headers: what rules match of it, held against the interpreter header by header.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { parseIp } from "#/base/ip.ts";
import {
  allHeaders,
  ANY_PORT,
  difference,
  hasCell,
  headersOfPort,
  headerSpaceOf,
  intersection,
  isEmpty,
  noHeaders,
  overlaps,
  type PortCondition,
  ruleHeaders,
  union,
} from "#/policy/reach/header_space.ts";
import { ANY_SIDE, type RuleIr, type SideIr } from "#/policy/ir.ts";
import { matchRuleIr } from "#/policy/ir_interpreter.ts";
import { lowerRule } from "#/policy/lowering/lower_rule.ts";
import type { Rule } from "#/resources/kinds/policy_spec.ts";

const RULES: readonly Rule[] = [
  { action: "Allow" },
  { action: "Allow", protocol: "TCP", destination: { ports: [80, "100:200"], notPorts: ["150:160"] } },
  { action: "Allow", protocol: "UDP", source: { ports: [53] }, destination: { notPorts: [1, 65_535] } },
  { action: "Allow", notProtocol: "TCP" },
  { action: "Allow", protocol: 89 },
  { action: "Allow", protocol: 1, icmp: { type: 8 }, notICMP: { type: 8, code: 3 } },
  { action: "Allow", protocol: 58, notICMP: { type: 128, code: 255 } },
];

const rules = RULES.map((rule, index) => lowerRule(rule, `1/i/${index}`, "").rule);
const space = headerSpaceOf({ rules, sourcePorts: [], destinationPorts: [{ protocol: 132, port: 7 }] });
const conditionOf = (side: SideIr): PortCondition => ({ ...ANY_PORT, ports: side.ports, notPorts: side.notPorts });
const headersOf = (rule: RuleIr) => ruleHeaders(space, rule, conditionOf(rule.source), conditionOf(rule.destination));

/** Whether the interpreter matches a packet of this header. */
function matches(rule: RuleIr, protocol: number, more: { ports?: [number, number]; icmp?: [number, number] }): boolean {
  const ip = parseIp("10.0.0.1")!;
  const packet = {
    source: ip,
    destination: ip,
    protocol,
    sourcePort: more.ports?.[0],
    destinationPort: more.ports?.[1],
    icmp: more.icmp === undefined ? undefined : { type: more.icmp[0], code: more.icmp[1] },
  };
  return matchRuleIr(rule, packet, { has: () => false });
}

Deno.test("ruleHeaders() holds exactly what the interpreter matches", () => {
  for (const rule of rules) {
    const set = headersOf(rule);
    for (const [grids, member] of [[space.ports, "ports"], [space.icmp, "icmp"]] as const) {
      for (const grid of grids) {
        for (const [row, start] of grid.rowStarts.entries()) {
          for (const [column, begin] of grid.columnStarts.entries()) {
            const expected = matches(rule, grid.protocol, { [member]: [start, begin] });
            assertEquals(hasCell(set, grid, row, column), expected, `${rule.id} ${grid.protocol} ${start} ${begin}`);
          }
        }
      }
    }
    for (const protocol of space.plain.keys()) {
      const single = headersOfPort(
        headerSpaceOf({ rules, sourcePorts: [], destinationPorts: [], protocols: [protocol] }),
        protocol,
        undefined,
      );
      assert(!isEmpty(single));
      assertEquals(overlaps(set, headersOfPort(space, protocol, undefined)), matches(rule, protocol, {}));
    }
  }
});

Deno.test("headerSpaceOf() cuts at every border and nowhere else", () => {
  const [tcp, udp, sctp] = space.ports;
  assertEquals(tcp?.columnStarts, [1, 80, 81, 100, 150, 161, 201]);
  assertEquals(udp?.rowStarts, [1, 53, 54]);
  assertEquals(udp?.columnStarts, [1, 2, 65_535]);
  assertEquals(sctp?.columnStarts, [1, 7, 8]);
  assertEquals(space.icmp[0]?.rowStarts, [0, 8, 9, 128, 129]);
  assertEquals(space.icmp[1]?.columnStarts, [0, 3, 4, 255]);
  assertEquals(new Set(space.plain.values()).size, 2, "protocol 89 and all others");
  assertEquals(space.plain.size, 251);
});

Deno.test("sets of headers obey the laws of sets", () => {
  const all = allHeaders(space);
  const [a, b] = [headersOf(rules[1]!), headersOf(rules[3]!)];
  assertEquals(headersOf(rules[0]!), all, "a rule without conditions matches everything");
  assertEquals(difference(all, all), noHeaders(space));
  assertEquals(difference(all, difference(all, a)), a);
  assertEquals(union(a, b), difference(all, intersection(difference(all, a), difference(all, b))));
  assert(!overlaps(a, b), "TCP and not TCP");
});

Deno.test("headersOfPort() is one destination port, or a whole protocol", () => {
  const port = headersOfPort(space, 6, 80);
  const rule = lowerRule({ action: "Allow", protocol: "TCP", destination: { ports: [80] } }, "1/i/0", "").rule;
  assertEquals(port, headersOf(rule));
  assertEquals(headersOfPort(space, 132, undefined), headersOf({ ...rules[0]!, protocol: 132, source: ANY_SIDE }));
});
