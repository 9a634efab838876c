/**
 * JSON patch (RFC 6902): a list of operations on the stored object. `decide` calls it; the result is then treated as a replacement of the whole object.
 *
 * @module
 */
import jsonPatch from "fast-json-patch";
import { isJsonObject, type Json } from "#/base/json.ts";
import { reject, type Rejection } from "#/base/problem.ts";
import { PAYLOAD_BYTES_MAX } from "#/events/envelope.ts";
import { isJsonArray } from "#/server/decide/list_rules.ts";

/** Most operations in one patch; the limit of Kubernetes. */
export const JSON_PATCH_OPERATIONS_MAX = 10_000;

/** The value after a patch. */
export interface Patched {
  readonly kind: "patched";
  readonly value: Json;
}

/**
 * The target after the operations, or why they cannot be carried out: a patch that is no list of operations is BadRequest, an operation that does not fit
 * the target (a path that is not there, a failed `test`) is Invalid, as in Kubernetes. The target is not changed.
 *
 * What `copy` operations duplicate is summed up and bounded by the size of an object: a handful of them could otherwise double a value until memory ends.
 *
 * @example
 * ```ts
 * import { jsonPatched } from "#/server/decide/patch_json.ts";
 * const after = jsonPatched({ a: [1] }, [{ op: "add", path: "/a/-", value: 2 }]);
 * if (after.kind !== "patched" || JSON.stringify(after.value) !== '{"a":[1,2]}') throw new Error();
 * if (jsonPatched({}, [{ op: "remove", path: "/a" }]).kind !== "rejected") throw new Error();
 * ```
 */
export function jsonPatched(target: Json, operations: Json): Patched | Rejection {
  if (!isJsonArray(operations)) return reject("BadRequest", "A JSON patch must be a list of operations");
  if (operations.length > JSON_PATCH_OPERATIONS_MAX) {
    const said = `The allowed maximum operations in a JSON patch is ${JSON_PATCH_OPERATIONS_MAX}`;
    return reject("BadRequest", `${said}, got ${operations.length}`);
  }
  let value: unknown = structuredClone(target);
  let copied = 0;
  for (const [index, operation] of operations.entries()) {
    try {
      copied += copiedLength(value, operation);
      if (copied > PAYLOAD_BYTES_MAX) {
        return reject(
          "BadRequest",
          `Operation ${index} of the JSON patch copies too much: limit is ${PAYLOAD_BYTES_MAX}`,
        );
      }
      value = jsonPatch.applyOperation(value, readOperation(operation), true, true, true, index).newDocument;
    } catch (error) {
      return refusal(error, index, operation);
    }
  }
  return { kind: "patched", value: decoded(value) };
}

/** The library checks the shape of each operation itself when asked to validate. */
function readOperation(operation: Json): jsonPatch.Operation {
  return structuredClone(operation) as unknown as jsonPatch.Operation;
}

/** The library's documents are typed `any`; operations on JSON give JSON. */
function decoded(value: unknown): Json {
  return (value ?? null) as Json;
}

function copiedLength(value: unknown, operation: Json): number {
  if (!isJsonObject(operation) || operation.op !== "copy" || typeof operation.from !== "string") return 0;
  return JSON.stringify(jsonPatch.getValueByPointer(value, operation.from) ?? null).length;
}

function refusal(error: unknown, index: number, operation: Json): Rejection {
  const said = error instanceof Error ? error.message.split("\n")[0]! : String(error);
  const code = error instanceof Error ? error.name : "";
  const where = isJsonObject(operation) ? `${String(operation.op)} ${String(operation.path)}` : "no operation";
  const malformed = /_(INVALID|REQUIRED|NOT_AN_OBJECT|CONTAINS_UNDEFINED.*)$/.test(code);
  const message = `Operation ${index} of the JSON patch (${where}) cannot be carried out: ${said}`;
  // kubectl shows the causes of an invalid request and not its message.
  const problems = [{ path: "patch", reason: "FieldValueInvalid", message }];
  return malformed ? reject("BadRequest", message) : reject("Invalid", message, problems);
}
