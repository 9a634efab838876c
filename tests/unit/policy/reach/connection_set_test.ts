/**
 * Sets of connections: looked up and printed.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  allowsConnection,
  type Connection,
  type Connections,
  formatConnections,
} from "#/policy/reach/connection_set.ts";

const SOME: Connections = [
  { protocol: 0 },
  { protocol: "ICMP", types: [[3, 1], [8, null]] },
  { protocol: 2 },
  { protocol: 3 },
  { protocol: "TCP", ports: [[80, 80], [8000, 8080]] },
  { protocol: "UDP", ports: [[1, 65_535]] },
  { protocol: "ICMPv6" },
];

Deno.test("allowsConnection() looks at protocol, port, type and code", () => {
  const cases: readonly [Connection, boolean][] = [
    [{ protocol: 0 }, true],
    [{ protocol: 4 }, false],
    [{ protocol: 6, port: 80 }, true],
    [{ protocol: 6, port: 81 }, false],
    [{ protocol: 6, port: 8000 }, true],
    [{ protocol: 6, port: 8081 }, false],
    [{ protocol: 17, port: 65_535 }, true],
    [{ protocol: 1, icmp: { type: 3, code: 1 } }, true],
    [{ protocol: 1, icmp: { type: 3, code: 0 } }, false],
    [{ protocol: 1, icmp: { type: 8, code: 7 } }, true],
    [{ protocol: 58, icmp: { type: 128, code: 0 } }, true],
  ];
  for (const [connection, expected] of cases) {
    assertEquals(allowsConnection(SOME, connection), expected, JSON.stringify(connection));
    assertEquals(allowsConnection("All", connection), true);
    assertEquals(allowsConnection([], connection), false);
  }
});

Deno.test("formatConnections() is short and leaves nothing out", () => {
  assertEquals(formatConnections(SOME), "0; ICMP 3/1,8; 2-3; TCP 80,8000-8080; UDP; ICMPv6");
  assertEquals(formatConnections("All"), "All");
  assertEquals(formatConnections([]), "none");
});
