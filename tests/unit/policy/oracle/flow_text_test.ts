/**
 * Flows as people write them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { parseDestination, parseEnd } from "#/policy/oracle/flow_text.ts";

Deno.test("parseEnd() reads workloads and addresses", () => {
  assertEquals(parseEnd("shop/front-1"), { kind: "workload", namespace: "shop", name: "front-1" });
  assertEquals(parseEnd("10.0.0.1"), { kind: "address", address: "10.0.0.1" });
  assertEquals(parseEnd("[fd00::1]"), { kind: "address", address: "fd00::1" });
  assertEquals(parseEnd("fd00::1"), { kind: "address", address: "fd00::1" });
  for (const bad of ["", "shop", "shop/", "/front", "a/b/c", "Shop/front", "10.0.0.256", "10.0.0.0/8/x"]) {
    assertEquals(parseEnd(bad).kind, "invalid", bad);
  }
});

Deno.test("parseDestination() reads end, port and protocol", () => {
  assertEquals(parseDestination("shop/db:5432/tcp"), {
    end: { kind: "workload", namespace: "shop", name: "db" },
    port: 5432,
    protocol: 6,
  });
  assertEquals(parseDestination("[fd00::1]:53/UDP"), {
    end: { kind: "address", address: "fd00::1" },
    port: 53,
    protocol: 17,
  });
  assertEquals(parseDestination("10.0.0.1:icmp"), {
    end: { kind: "address", address: "10.0.0.1" },
    port: undefined,
    protocol: 1,
  });
});

Deno.test("parseDestination() says which part is wrong", () => {
  const message = (text: string) => {
    const parsed = parseDestination(text);
    return "kind" in parsed ? parsed.message : "read";
  };
  assertEquals(message("shop/db"), 'A destination must be END:PORT/PROTOCOL, as in shop/db:5432/tcp: "shop/db"');
  assertEquals(message("shop/db:tcp"), 'A destination of this protocol must have a port: "shop/db:tcp"');
  assertEquals(message("shop/db:8/icmp"), 'Only TCP, UDP and SCTP destinations may have a port: "shop/db:8/icmp"');
  for (const port of ["0", "65536", "x", ""]) {
    assertEquals(message(`a/b:${port}/tcp`), `A port must be a number from 1 to 65535: "a/b:${port}/tcp"`);
  }
  assertEquals(message("a/b:80/http").startsWith("A destination must end in PORT/PROTOCOL"), true);
  for (const end of ["A", "10.0.0.0/8", "10.0.0.256"]) {
    assertEquals(message(`${end}:80/tcp`).startsWith("An end must be"), true, end);
  }
});
