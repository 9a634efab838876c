/**
 * Limits of workloads: what is filled in. Their bounds are in the conformance tables.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { defaultQosControls, QOS_CONTROLS_SCHEMA } from "#/resources/kinds/qos_controls.ts";

Deno.test("defaultQosControls() fills in bursts where there is a rate, in its own direction", () => {
  assertEquals(defaultQosControls({ ingressBandwidth: 1_000 }), {
    ingressBandwidth: 1_000,
    ingressBurst: 4_294_967_296,
  });
  assertEquals(defaultQosControls({ egressPacketRate: 7, egressPacketBurst: 0 }), {
    egressPacketRate: 7,
    egressPacketBurst: 5,
  });
  for (const same of [{}, { ingressBandwidth: 0 }, { egressBandwidth: 1_000, egressBurst: 2_000 }, "x", [1], null]) {
    assertEquals(defaultQosControls(same), same);
  }
});

Deno.test("defaultQosControls() gives DSCP its stored form", () => {
  assertEquals(defaultQosControls({ dscp: "af41" }), { dscp: "AF41" });
  assertEquals(defaultQosControls({ dscp: "46" }), { dscp: 46 });
  assertEquals(defaultQosControls({ dscp: "none" }), { dscp: "none" });
});

Deno.test("QOS_CONTROLS_SCHEMA takes the defaults", () => {
  const limits = defaultQosControls({ ingressBandwidth: 1e15, egressPacketRate: 1, dscp: "ef" });
  assertEquals(QOS_CONTROLS_SCHEMA.safeParse(limits).success, true);
});
