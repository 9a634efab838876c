/**
 * Flows as programs write them.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { JsonObject } from "#/base/json.ts";
import { parseFlowLine } from "#/policy/oracle/flow_line.ts";

const FRONT = { kind: "workload", namespace: "shop", name: "front" };
const OUTSIDE = { kind: "address", address: "10.0.0.9" };

function line(more: JsonObject): string {
  return JSON.stringify({ from: { pod: "shop/front" }, to: { ip: "10.0.0.9" }, ...more });
}

const READ: readonly { readonly more: JsonObject; readonly flow: JsonObject }[] = [
  { more: { protocol: "TCP", port: 80 }, flow: { protocol: 6, port: 80 } },
  { more: { protocol: "udp", port: 53, sourcePort: 5353 }, flow: { protocol: 17, port: 53, sourcePort: 5353 } },
  { more: { protocol: 132, port: 65535 }, flow: { protocol: 132, port: 65535 } },
  { more: { protocol: "58" }, flow: { protocol: 58 } },
  { more: { protocol: "ICMP", icmpType: 0, icmpCode: 255 }, flow: { protocol: 1, icmp: { type: 0, code: 255 } } },
  { more: { protocol: 1, icmpType: 8 }, flow: { protocol: 1, icmp: { type: 8, code: 0 } } },
  { more: { protocol: 47 }, flow: { protocol: 47 } },
  { more: { protocol: 47, port: null, icmpType: null }, flow: { protocol: 47 } },
];

for (const { more, flow } of READ) {
  Deno.test(`parseFlowLine() reads ${JSON.stringify(more)}`, () => {
    assertEquals<unknown>(parseFlowLine(line(more)), {
      kind: "flow",
      flow: { source: FRONT, destination: OUTSIDE, ...flow },
    });
  });
}

const TCP = { protocol: "TCP", port: 80 };
const END = 'must be {"pod": "NAMESPACE/NAME"} or {"ip": "ADDRESS"}';

const REFUSED: readonly { readonly text: string; readonly message: string }[] = [
  { text: "{", message: "must be a JSON object" },
  { text: "[]", message: "must be a JSON object" },
  {
    text: line({ ...TCP, dport: 1 }),
    message: "dport: must be one of from, to, protocol, port, sourcePort, icmpType, icmpCode",
  },
  { text: line({ ...TCP, from: undefined }), message: `from: ${END}: not given` },
  { text: line({ ...TCP, from: "shop/front" }), message: `from: ${END}: "shop/front"` },
  { text: line({ ...TCP, to: {} }), message: `to: ${END}: {}` },
  { text: line({ ...TCP, to: { pod: "a/b", ip: "10.0.0.1" } }), message: `to: ${END}: {"pod":"a/b","ip":"10.0.0.1"}` },
  { text: line({ ...TCP, to: { host: "a" } }), message: `to: ${END}: {"host":"a"}` },
  { text: line({ ...TCP, to: { pod: "front" } }), message: 'to.pod: must be NAMESPACE/NAME: "front"' },
  { text: line({ ...TCP, to: { pod: "10.0.0.1" } }), message: 'to.pod: must be NAMESPACE/NAME: "10.0.0.1"' },
  { text: line({ ...TCP, to: { ip: "10.0.0" } }), message: 'to.ip: must be an IPv4 or IPv6 address: "10.0.0"' },
  { text: line({ port: 80 }), message: "protocol: must be a name such as TCP or a number from 0 to 255: not given" },
  {
    text: line({ protocol: "http", port: 80 }),
    message: 'protocol: must be a name such as TCP or a number from 0 to 255: "http"',
  },
  { text: line({ protocol: 256 }), message: "protocol: must be a name such as TCP or a number from 0 to 255: 256" },
  { text: line({ protocol: "TCP" }), message: "port: must be given for protocol TCP" },
  { text: line({ protocol: "TCP", port: "80" }), message: 'port: must be a whole number from 1 to 65535: "80"' },
  { text: line({ protocol: "TCP", port: 0 }), message: "port: must be a whole number from 1 to 65535: 0" },
  { text: line({ protocol: "TCP", port: 65_536 }), message: "port: must be a whole number from 1 to 65535: 65536" },
  { text: line({ ...TCP, sourcePort: 1.5 }), message: "sourcePort: must be a whole number from 1 to 65535: 1.5" },
  { text: line({ ...TCP, icmpType: 8 }), message: "icmpType: must not be given for protocol TCP" },
  { text: line({ protocol: "icmp", port: 80 }), message: "port: must not be given for protocol ICMP" },
  { text: line({ protocol: "icmp", icmpType: 256 }), message: "icmpType: must be a whole number from 0 to 255: 256" },
  { text: line({ protocol: "icmp", icmpCode: 0 }), message: "icmpType: must be given where icmpCode is" },
];

for (const { text, message } of REFUSED) {
  Deno.test(`parseFlowLine() refuses ${text}`, () => {
    assertEquals(parseFlowLine(text), { kind: "invalid", message });
  });
}

Deno.test("parseFlowLine() reads every protocol number", () => {
  for (const protocol of [0, 2, 255, "0", "47"]) {
    const read = parseFlowLine(line({ protocol }));
    assertEquals(read.kind === "flow" ? read.flow.protocol : read.message, Number(protocol));
  }
});
