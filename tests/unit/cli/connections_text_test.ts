/**
 * Sets of connections as people read them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { formatProtocol, protocolHasPorts } from "#/base/protocol.ts";
import { connectionsRows, connectionsText } from "#/cli/connections_text.ts";
import type { Connections, ProtocolConnections } from "#/policy/reach/connection_set.ts";

const SOME: Connections = [
  { protocol: "TCP", ports: [[1, 79], [443, 443]] },
  { protocol: "UDP", ports: [[1, 65_535]] },
  { protocol: "ICMP", types: [[8, 0], [3, null]] },
  { protocol: 47 },
];

Deno.test("connectionsText() tells everything in one line", () => {
  assertEquals(connectionsText("All"), "All");
  assertEquals(connectionsText([]), "none");
  assertEquals(connectionsText(SOME), "TCP 1-79,443; UDP; ICMP 8/0,3; 47");
  assertEquals(
    connectionsText([{ protocol: 2 }, { protocol: 3 }, { protocol: 4 }, { protocol: "TCP", ports: [[1, 9]] }]),
    "2-4; TCP 1-9",
  );
});

Deno.test("connectionsRows() has a row for every protocol", () => {
  assertEquals(connectionsRows("All"), [["All", ""]]);
  assertEquals(connectionsRows(SOME), [["TCP", "1-79,443"], ["UDP", "1-65535"], ["ICMP", "8/0,3"], ["47", ""]]);
});

/** Everything but what a map says of single protocols: `undefined` leaves one out. */
function allBut(other: Readonly<Record<string, ProtocolConnections | undefined>>): Connections {
  return Array.from({ length: 256 }, (_, number): ProtocolConnections[] => {
    const name = formatProtocol(number);
    if (name in other) return other[name] === undefined ? [] : [other[name]];
    const protocol = name === String(number) ? number : name as ProtocolConnections["protocol"];
    return [{ protocol, ...(protocolHasPorts(number) ? { ports: [[1, 65_535]] as const } : {}) }];
  }).flat();
}

Deno.test("connectionsText() tells what is missing where nearly everything is there", () => {
  const types = Array.from({ length: 256 }, (_, type) => [type, null] as const).filter(([type]) => type !== 8);
  const most = allBut({
    TCP: { protocol: "TCP", ports: [[1, 21], [23, 79], [81, 65_534]] },
    UDP: undefined,
    ICMP: { protocol: "ICMP", types },
    "47": undefined,
  });
  assertEquals(connectionsText(most), "All but ICMP 8; TCP 22,80,65535; UDP; 47");
  assertEquals(connectionsText(allBut({ "47": undefined, "48": undefined })), "All but 47-48");
  const codes = Array.from({ length: 255 }, (_, code) => [8, code] as const);
  const nearly = allBut({ ICMP: { protocol: "ICMP", types: [...types, ...codes] } });
  assertEquals(connectionsText(nearly), "All but ICMP 8/255");
});
