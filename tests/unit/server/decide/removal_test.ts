/**
 * What holds a deleted object, and what a namespace holds. Whole deletions are in tests/unit/commands/delete_object_test.ts.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { collectionKey, type KubeObject } from "#/resources/object.ts";
import { SERVED_KINDS } from "#/server/decide/decide.ts";
import { hasFinalizers, isReadyToGo, namespaceContents } from "#/server/decide/removal.ts";
import { secondsOf } from "#/server/decide/scope.ts";
import { type Cluster, CONTEXT, create, given, namespace, pod, refOf, tier } from "#tests/unit/commands/cluster.ts";

const INPUTS = { now: "2026-01-01T00:00:00.123Z", uuid: () => "" };

function scopeOf({ state }: Cluster) {
  return { state, kinds: SERVED_KINDS, context: CONTEXT, inputs: INPUTS };
}

function marked(object: KubeObject, finalizers?: readonly string[]): KubeObject {
  return { ...object, metadata: { ...object.metadata, deletionTimestamp: "2026-01-01T00:00:00Z", finalizers } };
}

Deno.test("isReadyToGo() wants the mark, no finalizer, and an empty namespace", () => {
  const cluster = given(create(namespace("shop")), create(namespace("empty")), create(pod("shop", "web")));
  const ready = (object: KubeObject) => isReadyToGo(scopeOf(cluster), refOf(object), object);
  assertEquals(ready(tier("a")), false);
  assertEquals(ready(marked(tier("a"))), true);
  assertEquals(ready(marked(tier("a"), ["x"])), false);
  assertEquals(ready(marked(namespace("shop"))), false);
  assertEquals(ready(marked(namespace("empty"))), true);
  assertEquals(hasFinalizers(marked(tier("a"), [])), false);
});

Deno.test("namespaceContents() has no object of a namespace whose name only begins alike", () => {
  const cluster = given(
    create(namespace("shop")),
    create(namespace("shop-2")),
    create(pod("shop", "web")),
    create(pod("shop-2", "web")),
  );
  const contents = namespaceContents(scopeOf(cluster), "shop");
  assertEquals(contents.map(({ object }) => object.metadata.namespace), ["shop"]);
});

Deno.test("secondsOf() and collectionKey() write times and collections as they are stored", () => {
  assertEquals(secondsOf(INPUTS), "2026-01-01T00:00:00Z");
  assertEquals(collectionKey(refOf(pod("shop", "web"))), "core/pods");
});
