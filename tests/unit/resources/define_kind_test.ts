/**
 * What the makers of kinds fill in.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { z } from "zod";
import { defineCalicoKind, defineCoreKind, definePolicyApiKind } from "#/resources/define_kind.ts";
import type { KubeObject } from "#/resources/object.ts";

const own = {
  kind: "Thing",
  plural: "things",
  singular: "thing",
  namespaced: true,
  description: "A thing.",
  schema: z.strictObject({}),
  defaults: (object: KubeObject) => object,
  validate: () => [],
  columns: [],
};

Deno.test("defineCalicoKind() makes a strict kind without strategic merge, as custom resources are", () => {
  const kind = defineCalicoKind(own);
  assertEquals([kind.group, kind.version, kind.fields, kind.mergeKeys], [
    "projectcalico.org",
    "v3",
    "strict",
    undefined,
  ]);
  assertEquals([kind.storage, kind.statusSubresource, kind.shortNames], ["stored", false, []]);
});

Deno.test("defineCoreKind() makes a loose kind of the core group; what the kind says itself wins", () => {
  const kind = defineCoreKind({ ...own, mergeKeys: { "spec.a": "name" }, shortNames: ["th"], statusSubresource: true });
  assertEquals([kind.group, kind.version, kind.fields, kind.mergeKeys], ["", "v1", "loose", { "spec.a": "name" }]);
  assertEquals([kind.shortNames, kind.statusSubresource], [["th"], true]);
});

Deno.test("definePolicyApiKind() makes a custom resource of cluster scope with a status", () => {
  const { namespaced: _, ...cluster } = own;
  const kind = definePolicyApiKind({ ...cluster, version: "v1alpha1" });
  assertEquals([kind.group, kind.version, kind.namespaced], ["policy.networking.k8s.io", "v1alpha1", false]);
  assertEquals([kind.fields, kind.mergeKeys, kind.statusSubresource], ["strict", undefined, true]);
});
