/**
 * Request bodies: read up to a bound, then decoded from JSON, YAML or the Kubernetes protobuf envelope to one JSON value. The border where bytes become
 * values; what the value must be is the caller's business.
 *
 * @module
 */
import { LineCounter, parseDocument } from "yaml";
import type { Json } from "#/base/json.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import { duplicateFields } from "#/server/api/duplicate_fields.ts";
import { nestingRefusal } from "#/server/decide/object_json.ts";
import { decodeKubernetesProtobuf, ProtobufError } from "#/server/api/protobuf_decoder.ts";

/** Largest body taken, as in Kubernetes. */
export const BODY_BYTES_MAX = 3 * 1024 * 1024;

/** How often YAML aliases may be resolved: a small text must not become a large value. */
const YAML_ALIASES_MAX = 100;

/** Media types of bodies, by how they are decoded. */
const SYNTAX: Readonly<Record<string, "json" | "yaml" | "protobuf">> = {
  "application/json": "json",
  "application/yaml": "yaml",
  "application/x-yaml": "yaml",
  "text/yaml": "yaml",
  "application/vnd.kubernetes.protobuf": "protobuf",
  "application/json-patch+json": "json",
  "application/merge-patch+json": "json",
  "application/strategic-merge-patch+json": "json",
  "application/apply-patch+yaml": "yaml",
};

/** A decoded body. */
export interface Body {
  readonly value: Json;
  /** Paths of members that stand twice; the last one counts. */
  readonly duplicates: readonly string[];
}

/** The body is larger than {@link BODY_BYTES_MAX}; not a decision, so not a `Rejection`. */
export interface BodyTooLarge {
  readonly kind: "tooLarge";
}

/** Reads a body to its end, or to the bound. */
export async function readBody(request: Request): Promise<Uint8Array | BodyTooLarge> {
  if (Number(request.headers.get("content-length") ?? "0") > BODY_BYTES_MAX) return { kind: "tooLarge" };
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > BODY_BYTES_MAX) return { kind: "tooLarge" };
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/**
 * Decodes a body by its media type. An empty body is a refusal: callers that allow one look before. So is one that is nested so deep that walking it
 * could end the process.
 */
export function decodeBody(bytes: Uint8Array, mediaType: string): Body | Rejection {
  const body = decodeSyntax(bytes, mediaType);
  return "value" in body ? nestingRefusal(body.value) ?? body : body;
}

function decodeSyntax(bytes: Uint8Array, mediaType: string): Body | Rejection {
  const syntax = Object.hasOwn(SYNTAX, mediaType) ? SYNTAX[mediaType] : undefined;
  if (syntax === undefined) {
    const known = Object.keys(SYNTAX).slice(0, 5).join(", ");
    return reject("UnsupportedMediaType", `Content-Type must be one of ${known}, or a patch type: "${mediaType}"`);
  }
  if (bytes.length === 0) return reject("BadRequest", "Body must not be empty");
  if (syntax === "protobuf") return decodeProtobuf(bytes);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return reject("BadRequest", "Body must be UTF-8");
  }
  return syntax === "json" || text.trimStart().startsWith("{") ? decodeJson(text) : decodeYaml(text);
}

function decodeProtobuf(bytes: Uint8Array): Body | Rejection {
  try {
    return { value: decodeKubernetesProtobuf(bytes), duplicates: [] };
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    return reject("UnsupportedMediaType", `Cannot decode the protobuf body: ${error.message}`);
  }
}

function decodeJson(text: string): Body | Rejection {
  try {
    return { value: JSON.parse(text), duplicates: duplicateFields(text) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const place = /line \d+ column \d+/.test(reason) ? "" : ` (line ${text.trimEnd().split("\n").length})`;
    return reject("BadRequest", `Cannot decode the body as JSON: ${reason}${place}`);
  }
}

function decodeYaml(text: string): Body | Rejection {
  const document = parseDocument(text, { lineCounter: new LineCounter(), uniqueKeys: true, prettyErrors: true });
  const [problem] = document.errors;
  if (problem !== undefined) {
    // The first line says what and where; the rest draws the source.
    return reject("BadRequest", `Cannot decode the body as YAML: ${problem.message.split("\n")[0]!.replace(/:$/, "")}`);
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: YAML_ALIASES_MAX });
    // A round trip through JSON text leaves nothing that JSON cannot say, such as shared nodes or non-finite numbers.
    return { value: JSON.parse(JSON.stringify(value ?? null)), duplicates: [] };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return reject("BadRequest", `Cannot decode the body as YAML: ${reason}`);
  }
}
