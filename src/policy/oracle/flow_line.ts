/**
 * Connections as programs write them, a JSON object each: `{"from": {"pod": "shop/front"}, "to": {"ip": "10.0.0.9"}, "protocol": "tcp", "port": 80}`.
 * Read for `tortie eval`; what the names mean is told by `flow.ts`.
 *
 * @module
 */
import { parseIp } from "#/base/ip.ts";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { formatProtocol, parseProtocol, protocolHasPorts } from "#/base/protocol.ts";
import type { Flow } from "#/policy/oracle/flow.ts";
import { type EndText, parseEnd } from "#/policy/oracle/flow_text.ts";

/** A line that was read. */
export interface FlowLine {
  readonly kind: "flow";
  readonly flow: Flow;
}

/** Why a line is no flow: the member and the rule. */
export interface FlowLineProblem {
  readonly kind: "invalid";
  readonly message: string;
}

const MEMBERS = ["from", "to", "protocol", "port", "sourcePort", "icmpType", "icmpCode"] as const;
const ICMP_PROTOCOLS: readonly number[] = [1, 58];
const PORT_MAX = 65_535;
const BYTE_MAX = 255;

/**
 * Reads a line. Members that are null count as left out; a member that is not known is an error, because it may be a misspelt one. The destination port
 * must be there for TCP, UDP and SCTP and for nothing else; ICMP without a type is an echo request, a type without a code has code 0.
 *
 * @example
 * ```ts
 * import { parseFlowLine } from "#/policy/oracle/flow_line.ts";
 * const line = parseFlowLine('{"from":{"pod":"shop/front"},"to":{"ip":"10.0.0.9"},"protocol":"tcp","port":80}');
 * if (line.kind !== "flow" || line.flow.protocol !== 6) throw new Error(JSON.stringify(line));
 * const wrong = parseFlowLine('{"from":{"pod":"shop/front"}}');
 * if (wrong.kind !== "invalid" || !wrong.message.startsWith("to: must be")) throw new Error(JSON.stringify(wrong));
 * ```
 */
export function parseFlowLine(text: string): FlowLine | FlowLineProblem {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    return invalid("", "must be a JSON object");
  }
  if (!isJsonObject(value)) return invalid("", "must be a JSON object");
  const unknown = Object.keys(value).find((key) => !MEMBERS.some((member) => member === key));
  if (unknown !== undefined) return invalid(unknown, `must be one of ${MEMBERS.join(", ")}`);
  const source = readEnd(value, "from");
  if (source.kind === "invalid") return source;
  const destination = readEnd(value, "to");
  if (destination.kind === "invalid") return destination;
  const protocol = readProtocol(value.protocol);
  if (typeof protocol !== "number") return protocol;
  const rest = readRest(value, protocol);
  return "kind" in rest ? rest : { kind: "flow", flow: { source, destination, protocol, ...rest } };
}

function invalid(member: string, rule: string): FlowLineProblem {
  return { kind: "invalid", message: member === "" ? rule : `${member}: ${rule}` };
}

function readEnd(line: JsonObject, member: "from" | "to"): EndText | FlowLineProblem {
  const value = line[member];
  const form = 'must be {"pod": "NAMESPACE/NAME"} or {"ip": "ADDRESS"}';
  if (!isJsonObject(value)) return invalid(member, `${form}: ${shown(value)}`);
  const [[key, name] = [], ...more] = Object.entries(value).filter(([, part]) => part !== null);
  if (more.length > 0 || typeof name !== "string") return invalid(member, `${form}: ${shown(value)}`);
  if (key === "ip") {
    return parseIp(name) === undefined
      ? invalid(`${member}.ip`, `must be an IPv4 or IPv6 address: ${shown(name)}`)
      : { kind: "address", address: name };
  }
  if (key !== "pod") return invalid(member, `${form}: ${shown(value)}`);
  const end = parseEnd(name);
  return end.kind === "workload" ? end : invalid(`${member}.pod`, `must be NAMESPACE/NAME: ${shown(name)}`);
}

/** Protocol 0 is there too: rules cannot name it, but packets may have it. */
function readProtocol(value: Json | undefined): number | FlowLineProblem {
  if (value === 0 || value === "0") return 0;
  const protocol = typeof value === "string" || typeof value === "number" ? parseProtocol(value) : undefined;
  return protocol ?? invalid("protocol", `must be a name such as TCP or a number from 0 to 255: ${shown(value)}`);
}

function readRest(line: JsonObject, protocol: number): Pick<Flow, "port" | "sourcePort" | "icmp"> | FlowLineProblem {
  const name = formatProtocol(protocol);
  const hasPorts = protocolHasPorts(protocol);
  const isIcmp = ICMP_PROTOCOLS.includes(protocol);
  for (const [member, from, to, belongs] of NUMBERS) {
    const value = line[member] ?? undefined;
    if (value === undefined) continue;
    if (!(belongs === "ports" ? hasPorts : isIcmp)) return invalid(member, `must not be given for protocol ${name}`);
    if (!Number.isInteger(value) || Number(value) < from || Number(value) > to) {
      return invalid(member, `must be a whole number from ${from} to ${to}: ${shown(value)}`);
    }
  }
  const read = (member: string) => typeof line[member] === "number" ? line[member] : undefined;
  const [port, sourcePort, type, code] = ["port", "sourcePort", "icmpType", "icmpCode"].map(read);
  if (hasPorts && port === undefined) return invalid("port", `must be given for protocol ${name}`);
  if (code !== undefined && type === undefined) return invalid("icmpType", "must be given where icmpCode is");
  return {
    ...(port === undefined ? {} : { port }),
    ...(sourcePort === undefined ? {} : { sourcePort }),
    ...(type === undefined ? {} : { icmp: { type, code: code ?? 0 } }),
  };
}

/** Members that are numbers, with their bounds and the protocols that they belong to. */
const NUMBERS = [
  ["port", 1, PORT_MAX, "ports"],
  ["sourcePort", 1, PORT_MAX, "ports"],
  ["icmpType", 0, BYTE_MAX, "icmp"],
  ["icmpCode", 0, BYTE_MAX, "icmp"],
] as const;

function shown(value: Json | undefined): string {
  return value === undefined ? "not given" : JSON.stringify(value);
}
