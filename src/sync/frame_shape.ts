/**
 * The shape of frames and of the items in them, member by member. The decoder's judgement of a line; a frame of another shape is refused whole.
 *
 * @module
 */
import type { Frame } from "#/sync/frames.ts";
import {
  type Check,
  count,
  either,
  flag,
  listOf,
  type Misfit,
  oneOf,
  optional,
  record,
  tagged,
  text,
} from "#/sync/shape.ts";
import { NODE_ITEM_KINDS, type NodeItemKind } from "#/projections/node_state.ts";

/** What is wrong with a value as a frame; `undefined` when it is one. */
export function checkFrame(value: unknown): Misfit | undefined {
  return FRAME(value);
}

/** Whether a value is a frame. Use {@link checkFrame} to learn why not. */
export function isFrame(value: unknown): value is Frame {
  return checkFrame(value) === undefined;
}

const TEXTS = listOf(text);
const ANY = oneOf("any");
const PORT_RANGES = listOf(record({ min: count, max: count }));
const ICMP = record({ type: count, code: either(ANY, count) });

const SIDE = record({
  sets: TEXTS,
  notSets: TEXTS,
  nets: either(ANY, TEXTS),
  notNets: TEXTS,
  ports: either(ANY, PORT_RANGES),
  portSets: TEXTS,
  notPorts: PORT_RANGES,
  notPortSets: TEXTS,
});

const RULE = record({
  id: text,
  action: oneOf("allow", "deny", "pass", "log"),
  ipVersion: oneOf(4, 6, "any"),
  protocol: either(ANY, count),
  notProtocol: optional(count),
  icmp: either(ANY, ICMP),
  notIcmp: optional(ICMP),
  source: SIDE,
  destination: SIDE,
  comment: optional(text),
  unreadable: optional(text),
});

const POLICY = record({
  ref: record({ kind: text, namespace: text, name: text }),
  tier: text,
  ingress: optional(listOf(RULE)),
  egress: optional(listOf(RULE)),
});

const CHAIN = record({
  tiers: listOf(record({ tier: text, defaultAction: oneOf("deny", "pass"), policies: TEXTS })),
  profiles: TEXTS,
});

const ENCAPSULATION = oneOf("Never", "Always", "CrossSubnet");

const ITEMS: Readonly<Record<NodeItemKind, Check>> = {
  config: item({ node: text, ipv4Address: optional(text), blocks: TEXTS }),
  set: item({ type: oneOf("net", "ipPort"), members: TEXTS }),
  policy: item({ policy: POLICY }),
  profile: item({ policy: POLICY }),
  endpoint: item({
    workload: text,
    interfaceName: text,
    mac: optional(text),
    addresses: TEXTS,
    containerId: optional(text),
    ingress: CHAIN,
    egress: CHAIN,
  }),
  pool: item({
    cidr: text,
    blockSize: count,
    natOutgoing: flag,
    disabled: flag,
    disableBGPExport: flag,
    ipipMode: ENCAPSULATION,
    vxlanMode: ENCAPSULATION,
    allocatable: flag,
  }),
  route: item({
    cidr: text,
    type: oneOf("local", "remote"),
    node: text,
    gateway: optional(text),
    programmedBy: oneOf("agent", "bird"),
    pool: text,
  }),
  bgp: item({ asNumber: count, routerId: text, address: text, listenPort: optional(count), logSeverity: text }),
  peer: item({
    type: oneOf("mesh", "global", "node"),
    address: text,
    port: optional(count),
    asNumber: count,
    passive: flag,
    sourceAddress: optional(text),
    keepOriginalNextHop: flag,
  }),
};

function item(members: Readonly<Record<string, Check>>): Check {
  return record({ kind: text, id: text, ...members });
}

const FRAME = tagged("frame", {
  hello: frame({ contract: count, logId: text, epoch: count, from: count }),
  begin: frame({ type: oneOf("full", "delta") }),
  put: frame({ item: tagged("kind", ITEMS) }),
  set: frame({ id: text, add: TEXTS, del: TEXTS }),
  del: frame({ kind: oneOf(...NODE_ITEM_KINDS), id: text }),
  end: frame({ position: count }),
  ping: frame({ position: count }),
});

function frame(members: Readonly<Record<string, Check>>): Check {
  return record({ frame: text, ...members });
}
