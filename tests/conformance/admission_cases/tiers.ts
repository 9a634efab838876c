/**
 * Tiers: their fields, and the three that every log begins with.
 *
 * @module
 */
import { tier } from "#/resources/kinds/tier.ts";
import { calico } from "#tests/conformance/admission_cases/builders.ts";
import type { AdmissionRow, AdmissionTable } from "#tests/conformance/admission_cases/row.ts";

const ORDER = "spec.order";
const ACTION = "spec.defaultAction";

/** A built-in tier takes its own order and action and nothing else. */
const builtin = (name: string, order: number, action: string, otherAction: string): AdmissionTable => {
  const rows: AdmissionRow[] = [
    ["its order and action", { [ORDER]: order, [ACTION]: action }],
    ["its order alone", { [ORDER]: order }],
    ["its action alone", { [ACTION]: action }],
    ["an empty spec", { spec: {} }],
    ["a lower order", { [ORDER]: order - 1 }, [ORDER, `must be ${order}`]],
    ["a higher order", { [ORDER]: order + 0.5 }, [ORDER, `must be ${order}`]],
    ["another action", { [ACTION]: otherAction }, [ACTION, `must be ${action}`]],
    [
      "another order and action",
      { [ORDER]: 1, [ACTION]: otherAction },
      [ORDER, `built-in tier "${name}"`],
      [ACTION, `built-in tier "${name}"`],
    ],
  ];
  return { name: `Tier ${name}`, kind: tier, base: calico("Tier", name, {}), rows };
};

/** Tables of this part. */
export const TIER_TABLES: readonly AdmissionTable[] = [
  {
    name: "Tier",
    kind: tier,
    base: calico("Tier", "platform", { order: 100, defaultAction: "Pass" }),
    rows: [
      ["no spec", { spec: undefined }],
      ["no order", { [ORDER]: undefined }],
      ["order 0", { [ORDER]: 0 }],
      ["a negative order", { [ORDER]: -100 }],
      ["an order with a fraction", { [ORDER]: 0.25 }],
      ["a very high order", { [ORDER]: 1e300 }],
      ["the order of another tier", { [ORDER]: 1_000_000 }],
      ["order null", { [ORDER]: null }],
      ["an order as text", { [ORDER]: "100" }, [ORDER, "must be a number"]],
      ["an order of true", { [ORDER]: true }, [ORDER, "must be a number"]],
      ["defaultAction Deny", { [ACTION]: "Deny" }],
      ["defaultAction Pass", { [ACTION]: "Pass" }],
      ["no defaultAction", { [ACTION]: undefined }],
      ["defaultAction Allow", { [ACTION]: "Allow" }, [ACTION, 'supported values: "Pass", "Deny"']],
      ["defaultAction Log", { [ACTION]: "Log" }, [ACTION, "supported values"]],
      ["defaultAction in lower case", { [ACTION]: "deny" }, [ACTION, "supported values"]],
      ["defaultAction as a list", { [ACTION]: ["Deny"] }, [ACTION, "supported values"]],
      ["an unknown field", { "spec.action": "Deny" }, ["spec.action", "unknown field"]],
      ["a status", { status: { conditions: [{ type: "Ready", status: "True" }] } }],
      ["a condition of an unknown status", { status: { conditions: [{ type: "Ready", status: "Yes" }] } }, [
        "status.conditions[0].status",
        "supported values",
      ]],
      ["a condition without a type", { status: { conditions: [{ status: "True" }] } }, [
        "status.conditions[0].type",
        "must be a text",
      ]],
    ],
  },
  builtin("default", 1_000_000, "Deny", "Pass"),
  builtin("kube-admin", 1_000, "Pass", "Deny"),
  builtin("kube-baseline", 10_000_000, "Pass", "Deny"),
];
