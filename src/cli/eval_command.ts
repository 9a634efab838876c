/**
 * `tortie eval`: verdicts on many connections, without a server. The oracle judges; every answer has the halves that `explain` has.
 *
 * @module
 */
import type { Json } from "#/base/json.ts";
import { explainVerdict } from "#/policy/oracle/explain.ts";
import type { ResolvedFlow } from "#/policy/oracle/flow.ts";
import { parseFlowLine } from "#/policy/oracle/flow_line.ts";
import { evaluate } from "#/policy/oracle/oracle.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";
import { type FileCluster, type FlowResolver, flowResolver } from "./file_cluster.ts";
import { failOn } from "./manifest_files.ts";
import type { Output } from "./output.ts";

/** A file of flows, a JSON object a line. */
export interface FlowsFile {
  readonly file: string;
  readonly text: string;
}

/** Prints a verdict for every flow, a line each in their order. Prints nothing when any line is bad. */
export function evalCommand(cluster: FileCluster, flows: FlowsFile, output: Output): ExitCode {
  const resolver = flowResolver(cluster);
  for (const flow of readFlows(flows, resolver)) output.print(JSON.stringify(verdictOf(resolver, flow)));
  return EXIT.ok;
}

/** Every flow with its ends found; every bad line is told, with its reason. Empty lines are skipped. */
function readFlows({ file, text }: FlowsFile, { resolve }: FlowResolver): ResolvedFlow[] {
  const problems: string[] = [];
  const flows = text.split("\n").flatMap((line, at): ResolvedFlow[] => {
    if (line.trim() === "") return [];
    const read = parseFlowLine(line);
    const flow = read.kind === "invalid" ? read : resolve(read.flow);
    if (flow.kind === "resolved") return [flow];
    problems.push(`${file}:${at + 1}: ${flow.message}`);
    return [];
  });
  failOn(problems);
  return flows;
}

/** The verdict with its halves; host endpoints that forward the packet only where there are some. */
function verdictOf({ policies }: FlowResolver, flow: ResolvedFlow): Json {
  const { verdict, egress, ingress, forward } = explainVerdict(evaluate(policies, flow), () => undefined);
  return { verdict, egress, ingress, ...(forward.length === 0 ? {} : { forward }) } as unknown as Json;
}
