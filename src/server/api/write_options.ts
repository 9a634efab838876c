/**
 * The query parameters that writes share: `dryRun`, `fieldManager`, `fieldValidation`, `force`. Unknown values are refused rather than ignored, because
 * a misspelt dry run would otherwise write.
 *
 * @module
 */
import { reject, type Rejection } from "#/base/problem.ts";
import { defaultFieldManager } from "#/server/api/identity.ts";
import { AT_PARAMETER } from "#/server/api/reads.ts";
import type { FieldValidation, WriteOptions } from "#/server/decide/command.ts";

const FIELD_VALIDATIONS: readonly FieldValidation[] = ["Strict", "Warn", "Ignore"];

/** Reads the options of a write. `Warn` is the default of fieldValidation, as in Kubernetes. */
export function writeOptionsOf(request: Request, query: URLSearchParams): WriteOptions | Rejection {
  if (query.has(AT_PARAMETER)) {
    return reject("BadRequest", 'A write must not have the parameter "at": the past cannot be changed');
  }
  const dryRun = dryRunOf(query.getAll("dryRun"));
  if (typeof dryRun !== "boolean") return dryRun;
  const text = query.get("fieldValidation") || "Warn";
  const fieldValidation = FIELD_VALIDATIONS.find((value) => value === text);
  if (fieldValidation === undefined) {
    return reject("BadRequest", `fieldValidation must be one of ${FIELD_VALIDATIONS.join(", ")}: "${text}"`);
  }
  const fieldManager = query.get("fieldManager") || defaultFieldManager(request);
  // deno-lint-ignore no-control-regex -- what Kubernetes calls printable
  if (fieldManager.length > 128 || /[\u0000-\u001f\u007f]/.test(fieldManager)) {
    return reject("BadRequest", "fieldManager must have at most 128 printable characters");
  }
  return { dryRun, fieldManager, fieldValidation };
}

/** Whether `dryRun` values ask for a dry run; from the query or from DeleteOptions. */
export function dryRunOf(values: readonly string[]): boolean | Rejection {
  const bad = values.find((value) => value !== "All" && value !== "");
  return bad === undefined ? values.includes("All") : reject("BadRequest", `dryRun must be "All": "${bad}"`);
}

/** Reads `force`, which only server-side apply takes. */
export function forceOf(query: URLSearchParams, isApply: boolean): boolean | Rejection {
  const text = query.get("force") ?? "false";
  if (text !== "true" && text !== "false") return reject("BadRequest", `force must be "true" or "false": "${text}"`);
  if (text === "true" && !isApply) return reject("BadRequest", "force must be used with an apply patch only");
  return text === "true";
}
