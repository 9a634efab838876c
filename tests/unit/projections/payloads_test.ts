/**
 * Payloads as values, and every way in which one cannot be read.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { EventDraft } from "#/events/envelope.ts";
import { readPayload } from "#/projections/payloads.ts";
import { PLAIN_CONTEXT } from "#tests/support/events.ts";
import { block, namespacedV3 } from "#tests/support/network_objects.ts";

function draft(stream: string, type: string, payload: unknown, schemaVersion = 1): EventDraft {
  const object = { group: "", kind: "", namespace: "", name: "", uid: "" };
  const text = typeof payload === "string" ? payload : JSON.stringify(payload);
  return { stream, revision: 1, type, schemaVersion, object, payload: text, context: PLAIN_CONTEXT };
}

const POLICY = namespacedV3("NetworkPolicy", "shop", "allow.web", { tier: "default" });
const STREAM = "projectcalico.org/networkpolicies/shop/allow.web";

Deno.test("readPayload() reads intents and facts", () => {
  const intent = readPayload(draft(STREAM, "NetworkPolicyDeleted", { object: POLICY }));
  assertEquals(intent, { kind: "intent", verb: "Deleted", object: POLICY });
  const granted = readPayload(draft("tortie.dev/blocks/-/x", "BlockGranted", block("10.0.0.0/26", "n")));
  assertEquals(granted, { kind: "fact", value: { type: "BlockGranted", fact: block("10.0.0.0/26", "n") } });
});

Deno.test("readPayload() says why an event cannot be read", () => {
  const cases: readonly (readonly [string, EventDraft, string])[] = [
    ["type", draft(STREAM, "networkpolicychanged", {}), '"networkpolicychanged" is not known'],
    ["version", draft(STREAM, "NetworkPolicyUpdated", { object: POLICY }, 2), "Version 2"],
    ["text", draft(STREAM, "NetworkPolicyUpdated", "[1"), "must be a JSON object"],
    ["list", draft(STREAM, "NetworkPolicyUpdated", [POLICY]), "must be a JSON object"],
    ["no object", draft(STREAM, "NetworkPolicyUpdated", {}), "must hold an object"],
    ["name", draft(`${STREAM}x`, "NetworkPolicyUpdated", { object: POLICY }), '"NetworkPolicy shop/allow.webx"'],
    [
      "fact member",
      draft("s/s/-/s", "BlockGranted", { cidr: "c", node: "n", pool: 7 }),
      '"pool" of "BlockGranted" must be a text',
    ],
    [
      "fact list",
      draft("s/s/-/s", "DriftFound", { node: "n", position: 1, subject: "route", differences: [1], repaired: true }),
      "texts",
    ],
  ];
  for (const [name, event, reason] of cases) {
    const read = readPayload(event);
    assert(read.kind === "unreadable", name);
    assertStringIncludes(read.reason, reason, name);
  }
});
