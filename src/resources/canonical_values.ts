/**
 * Values that users may write as number or text (ports, protocols, AS numbers), brought to the one form that is stored. Kinds call these from their
 * defaults, so that equal meanings are equal objects; what is none of these is returned as it is, for the schema to refuse.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { formatPortRange, parsePortRange } from "#/base/port_range.ts";
import { canonicalProtocolName, formatProtocol, parseProtocol, protocolHasPorts } from "#/base/protocol.ts";
import type { KubeObject } from "#/resources/object.ts";

/** Highest AS number. */
export const AS_NUMBER_MAX = 4_294_967_295;

/**
 * A protocol in its stored form: a name in its own case, or a number.
 *
 * @example
 * ```ts
 * import { canonicalProtocol } from "#/resources/canonical_values.ts";
 * if (canonicalProtocol("icmpV6") !== "ICMPv6" || canonicalProtocol("132") !== 132) throw new Error();
 * ```
 */
export function canonicalProtocol(value: Json): Json {
  if (typeof value !== "string") return value;
  return canonicalProtocolName(value) ?? parseProtocol(value) ?? value;
}

/**
 * The protocol of an endpoint's named port in its stored form: one of the names of those that have ports, also when given by number.
 *
 * @example
 * ```ts
 * import { canonicalPortProtocol } from "#/resources/canonical_values.ts";
 * if (canonicalPortProtocol(17) !== "UDP" || canonicalPortProtocol("sctp") !== "SCTP" || canonicalPortProtocol(1) !== 1) throw new Error();
 * ```
 */
export function canonicalPortProtocol(value: Json): Json {
  const protocol = canonicalProtocol(value);
  return typeof protocol === "number" && protocolHasPorts(protocol) ? formatProtocol(protocol) : protocol;
}

/**
 * A port in its stored form: a number where it is one port, else the range or name as text.
 *
 * @example
 * ```ts
 * import { canonicalPort } from "#/resources/canonical_values.ts";
 * if (canonicalPort("80") !== 80 || canonicalPort("080:080") !== 80) throw new Error();
 * if (canonicalPort("80:090") !== "80:90" || canonicalPort("http") !== "http") throw new Error();
 * ```
 */
export function canonicalPort(value: Json): Json {
  const range = typeof value === "string" ? parsePortRange(value) : undefined;
  if (range === undefined) return value;
  return range.min === range.max ? range.min : formatPortRange(range);
}

/**
 * An AS number in its stored form, a plain number; `a.b` means a times 65536 plus b.
 *
 * @example
 * ```ts
 * import { canonicalAsNumber } from "#/resources/canonical_values.ts";
 * if (canonicalAsNumber("1.10") !== 65_546 || canonicalAsNumber("64512") !== 64_512) throw new Error();
 * if (canonicalAsNumber("1.70000") !== "1.70000") throw new Error();
 * ```
 */
export function canonicalAsNumber(value: Json): Json {
  const match = typeof value === "string" ? /^(?:(\d{1,5})\.(\d{1,5})|(\d{1,10}))$/.exec(value) : null;
  if (match === null) return value;
  const [, high, low, plain] = match;
  if (plain !== undefined) return Number(plain);
  return Number(high) <= 65_535 && Number(low) <= 65_535 ? Number(high) * 65_536 + Number(low) : value;
}

/**
 * A JSON object with one member rewritten, when it has it. Anything but an object is returned as it is: defaults run before the schema, on whatever
 * the user sent.
 *
 * @example
 * ```ts
 * import { canonicalPort, mapMember } from "#/resources/canonical_values.ts";
 * const mapped = mapMember({ port: "80" }, "port", canonicalPort);
 * if (JSON.stringify(mapped) !== '{"port":80}') throw new Error();
 * ```
 */
export function mapMember<T extends Json>(value: T, member: string, rewrite: (value: Json) => Json): T | JsonObject {
  if (!isJsonObject(value)) return value;
  const object: JsonObject = value;
  const old = object[member];
  return old === undefined ? object : { ...object, [member]: rewrite(old) };
}

/** A list with each item rewritten; anything but a list is returned as it is. */
export function mapItems(value: Json, rewrite: (item: Json) => Json): Json {
  return Array.isArray(value) ? value.map((item: Json) => rewrite(item)) : value;
}

/** An object with its `spec` rewritten; unchanged where there is none, or none that is a JSON object. */
export function mapSpec(object: KubeObject, rewrite: (spec: JsonObject) => JsonObject): KubeObject {
  return isJsonObject(object.spec) ? { ...object, spec: rewrite(object.spec) } : object;
}

/** The object with members that it lacks; those that it has (other than empty text) stay. */
export function withDefaults(value: JsonObject, defaults: JsonObject): JsonObject {
  const missing = Object.entries(defaults).filter(([member]) => value[member] === undefined || value[member] === "");
  return missing.length === 0 ? value : { ...value, ...Object.fromEntries(missing) };
}

/** The object with a label set, whatever it was. */
export function withLabel(object: KubeObject, key: string, value: string): KubeObject {
  if (object.metadata.labels?.[key] === value) return object;
  return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, [key]: value } } };
}
