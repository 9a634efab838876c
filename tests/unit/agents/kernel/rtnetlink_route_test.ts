/**
 * Routes between specs and rtnetlink messages, and their comparison.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import type { RouteSpec, RouteStep } from "#/agents/kernel/kernel.ts";
import { KernelError } from "#/agents/kernel/kernel_error.ts";
import { MessageWriter, type NetlinkMessage, NLM, visitMessages } from "#/agents/kernel/netlink_codec.ts";
import { sameRoute } from "#/agents/kernel/route_match.ts";
import {
  type DecodedRoute,
  decodeRoute,
  dumpRoutesRequest,
  routeStepRequest,
} from "#/agents/kernel/rtnetlink_route.ts";

const LINK_INDEX = 5;

function encode(step: RouteStep): NetlinkMessage {
  const request = routeStepRequest(step, step.route.linkName === undefined ? undefined : LINK_INDEX);
  const writer = new MessageWriter();
  writer.begin({ type: request.type, flags: request.flags, sequence: 1 });
  request.write(writer);
  writer.end();
  return messageOf(writer.bytes());
}

function messageOf(bytes: Uint8Array<ArrayBuffer>): NetlinkMessage {
  const messages: NetlinkMessage[] = [];
  visitMessages(new DataView(bytes.buffer, bytes.byteOffset), bytes.length, (message) => messages.push(message));
  return messages[0]!;
}

const PLAIN = {
  gateway: undefined,
  linkIndex: undefined,
  onlink: false,
  priority: 0,
  source: undefined,
  table: 254,
  nextHops: [],
} as const;

Deno.test("routeStepRequest() is read back by decodeRoute()", () => {
  const cases: readonly { readonly name: string; readonly spec: RouteSpec; readonly route: DecodedRoute }[] = [
    {
      name: "pod route",
      spec: { destination: "10.0.0.5/32", linkName: "cali1", protocol: 80 },
      route: {
        ...PLAIN,
        destination: "10.0.0.5/32",
        type: "unicast",
        linkIndex: LINK_INDEX,
        scope: "link",
        protocol: 80,
      },
    },
    {
      name: "blackhole with a metric",
      spec: { destination: "10.0.0.0/26", type: "blackhole", protocol: 80, priority: 1024 },
      route: { ...PLAIN, destination: "10.0.0.0/26", type: "blackhole", scope: "global", protocol: 80, priority: 1024 },
    },
    {
      name: "gateway, onlink, source, another table",
      spec: {
        destination: "0.0.0.0/0",
        gateway: "172.18.0.3",
        linkName: "eth0",
        onlink: true,
        source: "172.18.0.2",
        protocol: 12,
        table: 1000,
      },
      route: {
        ...PLAIN,
        destination: "0.0.0.0/0",
        type: "unicast",
        gateway: "172.18.0.3",
        linkIndex: LINK_INDEX,
        onlink: true,
        source: "172.18.0.2",
        scope: "global",
        protocol: 12,
        table: 1000,
      },
    },
    {
      name: "IPv6",
      spec: { destination: "fd00::/64", gateway: "fe80::1", linkName: "eth0", protocol: 80, scope: "global" },
      route: {
        ...PLAIN,
        destination: "fd00::/64",
        type: "unicast",
        gateway: "fe80::1",
        linkIndex: LINK_INDEX,
        scope: "global",
        protocol: 80,
      },
    },
  ];
  for (const { name, spec, route } of cases) {
    assertEquals(decodeRoute(encode({ kind: "set", route: spec })), route, name);
  }
});

Deno.test("routeStepRequest() sets the flags and the scope of its kind", () => {
  const route = { destination: "10.0.0.0/26", type: "blackhole", protocol: 80 } as const;
  const [set, add, remove] = (["set", "add", "delete"] as const).map((kind) => encode({ kind, route }));
  assertEquals([set?.type, set?.flags], [24, NLM.create | NLM.replace]);
  assertEquals([add?.type, add?.flags], [24, NLM.create | NLM.exclusive]);
  assertEquals([remove?.type, remove?.flags], [25, 0]);
  assertEquals(decodeRoute(remove!)?.scope, "nowhere");
});

Deno.test("routeStepRequest() refuses what is no route, naming it", () => {
  const cases: readonly { readonly spec: RouteSpec; readonly says: string }[] = [
    { spec: { destination: "10.0.0.1/26", protocol: 80 }, says: '"10.0.0.1/26"' },
    { spec: { destination: "10.0.0.0/33", protocol: 80 }, says: '"10.0.0.0/33"' },
    { spec: { destination: "pods", protocol: 80 }, says: '"pods"' },
    { spec: { destination: "10.0.0.0/26", gateway: "fe80::1", protocol: 80 }, says: "family of the destination" },
    { spec: { destination: "10.0.0.0/26", source: "10.0.0", protocol: 80 }, says: '"10.0.0"' },
  ];
  for (const { spec, says } of cases) {
    const error = assertThrows(() => routeStepRequest({ kind: "set", route: spec }, undefined), KernelError, says);
    assertEquals(error.code, "EINVAL");
  }
});

Deno.test("decodeRoute() reads multipath routes and skips cached clones", () => {
  const writer = new MessageWriter();
  const header = (flags: number) => {
    writer.reset();
    writer.begin({ type: 24, flags: 0, sequence: 1 });
    for (const byte of [2, 24, 0, 0, 254, 12, 0, 1]) writer.u8(byte);
    writer.u32(flags);
  };
  header(0);
  writer.attribute(1, Uint8Array.of(10, 1, 0, 0));
  writer.nest(9, () => {
    for (const index of [3, 4]) {
      writer.u16(16);
      writer.u16(0x0100 * (index - 3));
      writer.u32(index);
      writer.attribute(5, Uint8Array.of(10, 9, 0, index));
    }
  }, { flagged: false });
  writer.end();
  const route = decodeRoute(messageOf(writer.bytes()));
  assertEquals([route?.gateway, route?.linkIndex], ["10.9.0.3", 3]);
  assertEquals(route?.nextHops, [
    { gateway: "10.9.0.3", linkIndex: 3, weight: 1 },
    { gateway: "10.9.0.4", linkIndex: 4, weight: 2 },
  ]);
  header(0x200);
  writer.end();
  assertEquals(decodeRoute(messageOf(writer.bytes())), undefined);
});

Deno.test("dumpRoutesRequest() lets the kernel filter by one owner, and not by several", () => {
  const protocolOf = (protocols: readonly number[]) => {
    const writer = new MessageWriter();
    writer.begin({ type: 26, flags: 0, sequence: 1 });
    dumpRoutesRequest("ipv4", { protocols }).write(writer);
    return writer.bytes()[16 + 5];
  };
  assertEquals([protocolOf([80]), protocolOf([80, 12]), protocolOf([])], [80, 0, 0]);
});

Deno.test("sameRoute() compares what the kernel keeps, defaults included", () => {
  const spec: RouteSpec = { destination: "10.0.0.0/26", linkName: "eth0", gateway: "10.9.0.2", protocol: 80 };
  const route = { ...decodeRoute(encode({ kind: "set", route: spec }))!, linkName: "eth0" };
  assertEquals(sameRoute(spec, route), true);
  const others: readonly Partial<RouteSpec>[] = [
    { destination: "10.0.0.64/26" },
    { linkName: "eth1" },
    { gateway: undefined },
    { protocol: 12 },
    { priority: 1 },
    { scope: "link" },
    { type: "blackhole" },
    { source: "10.9.0.1" },
    { table: 100 },
  ];
  for (const other of others) assertEquals(sameRoute({ ...spec, ...other }, route), false, JSON.stringify(other));
  const ipv6: RouteSpec = { destination: "fd00::/64", type: "blackhole", protocol: 80, scope: "link" };
  const inKernel = { ...decodeRoute(encode({ kind: "set", route: ipv6 }))!, scope: "global", priority: 1024 } as const;
  assertEquals(sameRoute(ipv6, { ...inKernel, linkIndex: 1, linkName: "lo" }), true);
});
