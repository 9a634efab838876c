/**
 * Objects and texts that the admission tables are made of.
 *
 * @module
 */
import type { JsonObject } from "#/base/json.ts";
import type { KubeObject } from "#/resources/object.ts";

/** An object of `projectcalico.org/v3`. */
export function calico(kind: string, name: string, spec: JsonObject, namespace?: string): KubeObject {
  const metadata = namespace === undefined ? { name } : { name, namespace };
  return { apiVersion: "projectcalico.org/v3", kind, metadata, spec };
}

/** A text of as many letters. */
export function letters(count: number): string {
  return "x".repeat(count);
}

/** A list of as many items. */
export function items<T>(count: number, item: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => item(at));
}
