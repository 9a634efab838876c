/**
 * Content negotiation: which form of an answer the client wants. kubectl asks for a Table first and for plain JSON after it; others take
 * what they get.
 *
 * @module
 */

/** One media range of an `Accept` or `Content-Type` header. */
export interface MediaRange {
  /** Lower case: `application/json`. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** How objects are answered: as they are, as a server-side printed table, or their metadata only. */
export type Representation = "object" | "table" | "metadata";

/**
 * Splits a header into media ranges, in the order given.
 *
 * @example
 * ```ts
 * import { parseMediaRanges } from "#/server/api/accept.ts";
 * const [first] = parseMediaRanges("application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
 * if (first?.parameters.get("as") !== "Table") throw new Error();
 * ```
 */
export function parseMediaRanges(header: string): MediaRange[] {
  return header.split(",").map((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const pairs = parameters.map((parameter): [string, string] => {
      const equals = parameter.indexOf("=");
      if (equals < 0) return [parameter.toLowerCase(), ""];
      return [parameter.slice(0, equals).trim().toLowerCase(), parameter.slice(equals + 1).trim().replaceAll('"', "")];
    });
    return { type: type.toLowerCase(), parameters: new Map(pairs) };
  }).filter((range) => range.type !== "");
}

/** Whether a range takes JSON without asking for a particular form of it. */
function takesAnyJson(range: MediaRange): boolean {
  return ["application/json", "application/*", "*/*"].includes(range.type) && !range.parameters.has("as");
}

/** The form of objects and lists for an `Accept` header; `undefined` when it takes no JSON at all (406). */
export function representationFor(accept: string | null): Representation | undefined {
  if (accept === null || accept.trim() === "") return "object";
  for (const range of parseMediaRanges(accept)) {
    if (takesAnyJson(range)) return "object";
    if (range.type !== "application/json" || range.parameters.get("g") !== "meta.k8s.io") continue;
    if (range.parameters.get("v") !== "v1") continue;
    const form = range.parameters.get("as");
    if (form === "Table") return "table";
    if (form === "PartialObjectMetadata" || form === "PartialObjectMetadataList") return "metadata";
  }
  return undefined;
}

/** Content type of an aggregated discovery answer. */
export const AGGREGATED_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** Whether discovery is asked for in one document (Kubernetes 1.30 and later) before the plain lists. */
export function wantsAggregatedDiscovery(accept: string | null): boolean {
  for (const range of parseMediaRanges(accept ?? "")) {
    if (takesAnyJson(range)) return false;
    const { type, parameters } = range;
    if (
      type === "application/json" && parameters.get("g") === "apidiscovery.k8s.io" && parameters.get("v") === "v2" &&
      parameters.get("as") === "APIGroupDiscoveryList"
    ) return true;
  }
  return false;
}
