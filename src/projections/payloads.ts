/**
 * Reads the payload text of an event into a value of its type, or says why it cannot. The border between the log's text and the fold: a payload that this
 * binary cannot read is a reason, never an exception, because one bad event must not stop the others. zod is for admission; here only the members
 * that the fold rests on are looked at.
 *
 * @module
 */
import { isJsonObject, type JsonObject } from "#/base/json.ts";
import {
  FACT_SCHEMA_VERSION,
  FACT_TYPES,
  type FactPayloads,
  type FactType,
  INTENT_SCHEMA_VERSION,
  type IntentVerb,
  parseIntentType,
} from "#/events/catalog.ts";
import type { EventDraft } from "#/events/envelope.ts";
import type { KubeObject } from "#/resources/object.ts";

/** A fact of one type. */
export type Fact = { readonly [T in FactType]: { readonly type: T; readonly fact: FactPayloads[T] } }[FactType];

/** What an event says, or why it cannot be read. */
export type ReadPayload =
  | { readonly kind: "intent"; readonly verb: IntentVerb; readonly object: KubeObject }
  | { readonly kind: "fact"; readonly value: Fact }
  | { readonly kind: "unreadable"; readonly reason: string };

/** Members each fact must have: `text`, `number`, `flag`, or `texts` for a list of texts. */
const FACT_MEMBERS: Readonly<Record<FactType, Readonly<Record<string, "text" | "number" | "flag" | "texts">>>> = {
  EndpointBound: {
    node: "text",
    namespace: "text",
    pod: "text",
    podUid: "text",
    containerId: "text",
    interfaceName: "text",
    mac: "text",
    addresses: "texts",
    netns: "text",
  },
  EndpointUnbound: { node: "text", namespace: "text", pod: "text", containerId: "text" },
  BlockGranted: { cidr: "text", node: "text", pool: "text" },
  BlockReleased: { cidr: "text", node: "text", pool: "text" },
  AddressAssigned: { address: "text", block: "text", node: "text", handle: "text", namespace: "text", pod: "text" },
  AddressReleased: { address: "text", block: "text", node: "text", handle: "text" },
  DriftFound: { node: "text", position: "number", subject: "text", differences: "texts", repaired: "flag" },
};

const SHAPE_TYPES = { text: "string", number: "number", flag: "boolean" } as const;

/**
 * Reads what an event says. An unknown type, a schema version from the future, text that is no JSON and a payload without the members it must have are
 * all `unreadable`, with a sentence that names the event's type.
 */
export function readPayload(event: EventDraft): ReadPayload {
  const intent = parseIntentType(event.type);
  const factType = FACT_TYPES.find((type) => type === event.type);
  if (intent === undefined && factType === undefined) return unreadable(`Event type "${event.type}" is not known`);
  const newest = intent === undefined ? FACT_SCHEMA_VERSION : INTENT_SCHEMA_VERSION;
  if (event.schemaVersion > newest) {
    return unreadable(`Version ${event.schemaVersion} of "${event.type}" is not known: the newest known is ${newest}`);
  }
  const payload = parseObject(event.payload);
  if (payload === undefined) return unreadable(`Payload of "${event.type}" must be a JSON object`);
  if (factType !== undefined) return readFact(factType, payload);
  return intent === undefined
    ? unreadable(`Event type "${event.type}" is not known`)
    : readIntent(event, intent, payload);
}

function readIntent(
  event: EventDraft,
  intent: { readonly kind: string; readonly verb: IntentVerb },
  payload: JsonObject,
): ReadPayload {
  const object = payload.object;
  if (!isKubeObject(object)) {
    return unreadable(`Payload of "${event.type}" must hold an object with metadata and a name`);
  }
  const said = `${object.metadata.namespace ?? "-"}/${object.metadata.name}`;
  const [, expected] = streamParts(event.stream);
  if (object.kind !== intent.kind || said !== expected) {
    return unreadable(
      `Payload of "${event.type}" must be of "${intent.kind} ${expected}": "${object.kind} ${said}"`,
    );
  }
  return { kind: "intent", verb: intent.verb, object };
}

/**
 * The two halves of a stream's name: group and plural, namespace and name; the second is empty where there is none. Cut, not split and joined: every event of a
 * replay passes here.
 *
 * @example
 * ```ts
 * import { streamParts } from "#/projections/payloads.ts";
 * if (streamParts("core/pods/shop/web").join(" ") !== "core/pods shop/web") throw new Error();
 * ```
 */
export function streamParts(stream: string): readonly [collection: string, object: string] {
  const first = stream.indexOf("/");
  const second = first < 0 ? -1 : stream.indexOf("/", first + 1);
  return second < 0 ? [stream, ""] : [stream.slice(0, second), stream.slice(second + 1)];
}

function readFact(type: FactType, payload: JsonObject): ReadPayload {
  for (const [member, shape] of Object.entries(FACT_MEMBERS[type])) {
    if (!hasShape(payload[member], shape)) return unreadable(`Member "${member}" of "${type}" must be a ${shape}`);
  }
  return { kind: "fact", value: { type, fact: payload } as unknown as Fact };
}

function hasShape(value: unknown, shape: "text" | "number" | "flag" | "texts"): boolean {
  if (shape === "texts") return Array.isArray(value) && value.every((item) => typeof item === "string");
  const actual: string = typeof value;
  return actual === SHAPE_TYPES[shape];
}

function isKubeObject(value: unknown): value is KubeObject {
  return isJsonObject(value) && typeof value.kind === "string" && typeof value.apiVersion === "string" &&
    isJsonObject(value.metadata) && typeof value.metadata.name === "string";
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function unreadable(reason: string): ReadPayload {
  return { kind: "unreadable", reason };
}
