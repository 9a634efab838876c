/**
 * The bodies that agents post, as zod schemas: the border where reports and commands from outside become values. Strict: a member that is not known is
 * refused, because it might be one that matters.
 *
 * @module
 */
import { z } from "zod";
import type { Json } from "#/base/json.ts";
import type { Problem } from "#/base/problem.ts";
import { problemOfIssue, unknownFieldPaths } from "#/resources/schema_problems.ts";
import type { AppliedReport, NodeCommandBatch } from "#/sync/reports.ts";

/** Commands in one batch. */
export const BATCH_COMMANDS_MAX = 1_000;
/** Bytes of a body. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** Items of a list in a report. */
const REPORT_ITEMS_MAX = 1_000;

const name = z.string().min(1).max(512);
const text = z.string().max(4_096);
const instant = z.iso.datetime({ offset: true });
const position = z.int().min(0);

const appliedReport = z.strictObject({
  node: name,
  logId: name,
  epoch: z.int().min(0),
  position,
  appliedAt: instant,
  agentVersion: name,
  errors: z.array(z.strictObject({ item: text, message: text })).max(REPORT_ITEMS_MAX),
  unsupported: z.array(text).max(REPORT_ITEMS_MAX),
});

const bound = z.strictObject({
  node: name,
  namespace: name,
  pod: name,
  podUid: z.string().max(512),
  containerId: name,
  interfaceName: name,
  mac: name,
  addresses: z.array(name).max(64),
  netns: text,
});
const unbound = z.strictObject({ node: name, namespace: name, pod: name, containerId: name });
const released = z.strictObject({ address: name, block: name, node: name, handle: name });
const assigned = z.strictObject({ ...released.shape, namespace: z.string().max(512), pod: z.string().max(512) });
const drift = z.strictObject({
  node: name,
  position,
  subject: z.enum(["nftables", "route", "link", "bird"]),
  differences: z.array(text).max(REPORT_ITEMS_MAX),
  repaired: z.boolean(),
});

const command = z.discriminatedUnion("command", [
  z.strictObject({ command: z.literal("BindEndpoint"), endpoint: bound }),
  z.strictObject({ command: z.literal("UnbindEndpoint"), endpoint: unbound }),
  z.strictObject({ command: z.literal("AssignAddress"), assignment: assigned }),
  z.strictObject({ command: z.literal("ReleaseAddress"), release: released }),
  z.strictObject({ command: z.literal("RequestBlock"), node: name, pool: name.optional(), requestId: name }),
  z.strictObject({ command: z.literal("ReportDrift"), drift }),
]);

const commandBatch = z.strictObject({ observedAt: instant, commands: z.array(command).max(BATCH_COMMANDS_MAX) });

/** A body read, or all that is wrong with it. */
export type ReadBody<T> =
  | { readonly kind: "read"; readonly value: T }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] };

/** Reads a report of a node's applied position. */
export function readAppliedReport(body: Json): ReadBody<AppliedReport> {
  return read(appliedReport, body);
}

/** Reads a batch of a node's commands. */
export function readCommandBatch(body: Json): ReadBody<NodeCommandBatch> {
  return read(commandBatch, body);
}

function read<T>(schema: z.ZodType<T>, body: Json): ReadBody<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return { kind: "read", value: parsed.data };
  const { issues } = parsed.error;
  const unknown = unknownFieldPaths(issues, []).map((path): Problem => ({
    path,
    reason: "FieldValueForbidden",
    message: "Unknown member: must not be there",
  }));
  const broken = issues.filter((issue) => issue.code !== "unrecognized_keys");
  return { kind: "invalid", problems: [...broken.map((issue) => problemOfIssue(issue, body)), ...unknown] };
}
