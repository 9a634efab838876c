/**
 * Limits of what a workload may send and receive: `qosControls` of a WorkloadEndpoint. Zero means no limit. Tortie keeps them as they are written; nothing
 * limits traffic by them yet.
 *
 * @module
 */
import { z } from "zod";
import { isJsonObject, type Json, type JsonObject } from "#/base/json.ts";
import { withDefaults } from "#/resources/canonical_values.ts";

/** Limits by direction, each of them absent or zero where there is none. */
export type QosControls = Readonly<Record<string, number | string>>;

/** Bits that may be sent at once when a bandwidth is given and its burst is not: 4 Gi. */
const BURST_BITS_DEFAULT = 4_294_967_296;
/** Packets that may be sent at once when a packet rate is given and its burst is not. */
const PACKET_BURST_DEFAULT = 5;

const DSCP_NAMES: readonly string[] = [
  ...["DF", "EF", "CS0", "CS1", "CS2", "CS3", "CS4", "CS5", "CS6"],
  ...["AF11", "AF12", "AF13", "AF21", "AF22", "AF23", "AF31", "AF32", "AF33", "AF41", "AF42", "AF43"],
];

/** A number that is zero or within bounds. */
function limit(min: number, max: number): z.ZodType {
  return z.int().refine((value) => value === 0 || value >= min && value <= max, {
    error: `must be 0 for no limit, or from ${min} to ${max}`,
  }).optional();
}

function directionFields(direction: "ingress" | "egress", verb: string): Readonly<Record<string, z.ZodType>> {
  return {
    [`${direction}Bandwidth`]: limit(1_000, 1e15).describe(`Bits a second that the workload may ${verb}.`),
    [`${direction}Burst`]: limit(1_000, 34_359_738_360).describe(
      `Bits that it may ${verb} at once; 4 Gi when left out.`,
    ),
    [`${direction}Peakrate`]: limit(1_010, 1.01e15).describe(`Bits a second during a burst; 0 is the line's rate.`),
    [`${direction}Minburst`]: limit(1_000, 100_000_000).describe(`Bytes at once at the peak rate; 0 is the MTU.`),
    [`${direction}PacketRate`]: limit(1, 10_000).describe(`Packets a second that it may ${verb}.`),
    [`${direction}PacketBurst`]: limit(1, 10_000).describe(`Packets that it may ${verb} at once; 5 when left out.`),
    [`${direction}MaxConnections`]: limit(1, 4_294_967_295).describe(`Connections at once in this direction.`),
  };
}

/** Schema of the limits. */
export const QOS_CONTROLS_SCHEMA: z.ZodType = z.strictObject({
  ...directionFields("ingress", "receive"),
  ...directionFields("egress", "send"),
  dscp: z.custom<number | string>(isDscp, {
    error: `must be a number from 0 to 63, or one of ${DSCP_NAMES.join(", ")}`,
  }).optional().meta({ "x-kubernetes-int-or-string": true }).describe("DSCP value of what the workload sends."),
});

function isDscp(value: unknown): boolean {
  if (typeof value === "number") return Number.isInteger(value) && value >= 0 && value <= 63;
  return typeof value === "string" && DSCP_NAMES.includes(value);
}

/**
 * Fills in bursts where a rate is given and the burst is not, and the case of a DSCP name.
 *
 * @example
 * ```ts
 * import { defaultQosControls } from "#/resources/kinds/qos_controls.ts";
 * const limits = defaultQosControls({ egressPacketRate: 100, dscp: "ef" });
 * if (JSON.stringify(limits) !== '{"egressPacketRate":100,"dscp":"EF","egressPacketBurst":5}') throw new Error();
 * ```
 */
export function defaultQosControls(value: Json): Json {
  if (!isJsonObject(value)) return value;
  const named = typeof value.dscp === "string" ? { ...value, dscp: canonicalDscp(value.dscp) } : value;
  return (["ingress", "egress"] as const).reduce<JsonObject>((limits, direction) => {
    const withBurst = withBurstDefault(limits, `${direction}Bandwidth`, `${direction}Burst`, BURST_BITS_DEFAULT);
    return withBurstDefault(withBurst, `${direction}PacketRate`, `${direction}PacketBurst`, PACKET_BURST_DEFAULT);
  }, named);
}

function canonicalDscp(text: string): string | number {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  return DSCP_NAMES.find((name) => name === text.toUpperCase()) ?? text;
}

function withBurstDefault(limits: JsonObject, rate: string, burst: string, fallback: number): JsonObject {
  const isLimited = typeof limits[rate] === "number" && limits[rate] !== 0;
  if (!isLimited) return limits;
  const { [burst]: given, ...others } = limits;
  return withDefaults(given === 0 ? others : limits, { [burst]: fallback });
}
