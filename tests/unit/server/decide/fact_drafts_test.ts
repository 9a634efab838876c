/**
 * Events of facts, and what ends with a node.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { createState } from "#/projections/fold.ts";
import { departureDrafts, factDraft, factObject } from "#/server/decide/fact_drafts.ts";
import { PLAIN_CONTEXT } from "#tests/support/events.ts";

function stateWithTwoNodes() {
  const state = createState();
  for (const [node, net] of [["node1", "10.0.0"], ["node2", "10.0.1"]] as const) {
    state.blocks.set(`${net}.0/26`, { cidr: `${net}.0/26`, node, pool: "p", position: 1 });
    state.addresses.set(`${net}.1`, {
      ...{ address: `${net}.1`, block: `${net}.0/26`, node, handle: `k8s.${node}` },
      ...{ namespace: "shop", pod: node, position: 2 },
    });
    state.bindings.set(`shop/${node}`, {
      ...{ node, namespace: "shop", pod: node, podUid: "u", containerId: "c", interfaceName: "cali1" },
      ...{ mac: "", addresses: [`${net}.1`], netns: "/run/x", position: 3 },
    });
  }
  return state;
}

Deno.test("departureDrafts() ends a node's sandboxes, addresses and blocks, and no other node's", () => {
  const drafts = departureDrafts({ state: stateWithTwoNodes(), context: PLAIN_CONTEXT }, "node1");
  assertEquals(drafts.map(({ type, stream }) => [type, stream]), [
    ["EndpointUnbound", "tortie.dev/endpoints/shop/node1"],
    ["AddressReleased", "tortie.dev/addresses/-/10-0-0-1"],
    ["BlockReleased", "tortie.dev/blocks/-/10-0-0-0-26"],
  ]);
});

Deno.test("departureDrafts() has nothing to end for a node that holds nothing", () => {
  assertEquals(departureDrafts({ state: stateWithTwoNodes(), context: PLAIN_CONTEXT }, "node3"), []);
});

Deno.test("factDraft() goes on with the stream's revision", () => {
  const state = createState();
  const stream = "tortie.dev/blocks/-/10-0-0-0-26";
  state.origins.set(stream, { revision: 4, position: 9, specPosition: 9, author: "x", occurredAt: "" });
  const payload = { cidr: "10.0.0.0/26", node: "n", pool: "p" };
  const draft = factDraft(
    { state, context: PLAIN_CONTEXT },
    "BlockGranted",
    factObject("Block", "10-0-0-0-26"),
    payload,
  );
  assertEquals([draft.stream, draft.revision, draft.payload], [stream, 5, JSON.stringify(payload)]);
});
