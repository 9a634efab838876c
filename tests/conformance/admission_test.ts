/**
 * Admission against tables of good and bad objects of every kind that policy rests on. A refusal must name exactly the fields that are wrong, and the rule of
 * each.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { POLICY_OBJECT_COLLECTIONS } from "#/policy/policy_objects.ts";
import { POLICY_COLLECTIONS } from "#/policy/policy_ref.ts";
import { collectionKey } from "#/resources/object.ts";
import { KINDS } from "#/resources/registry.ts";
import { admit } from "#/resources/validate.ts";
import { ENTITY_TABLES } from "#tests/conformance/admission_cases/entities.ts";
import { KUBERNETES_TABLES } from "#tests/conformance/admission_cases/kubernetes.ts";
import { NAME_TABLES } from "#tests/conformance/admission_cases/names.ts";
import { PEER_TABLES } from "#tests/conformance/admission_cases/peers.ts";
import { POLICY_TABLES } from "#tests/conformance/admission_cases/policies.ts";
import { RULE_TABLES } from "#tests/conformance/admission_cases/rules.ts";
import { SELECTOR_TABLES } from "#tests/conformance/admission_cases/selectors.ts";
import { TIER_TABLES } from "#tests/conformance/admission_cases/tiers.ts";
import { WORKLOAD_ENDPOINT_TABLES } from "#tests/conformance/admission_cases/workload_endpoints.ts";
import {
  type AdmissionRow,
  type AdmissionTable,
  type ExpectedProblem,
  patched,
  UNKNOWN_FIELD,
} from "#tests/conformance/admission_cases/row.ts";

/** Fewest rows that all tables together have: the size of Calico's own table for these kinds. */
const ROWS_MIN = 500;

const TABLES: readonly AdmissionTable[] = [
  ...KUBERNETES_TABLES,
  ...TIER_TABLES,
  ...NAME_TABLES,
  ...POLICY_TABLES,
  ...RULE_TABLES,
  ...ENTITY_TABLES,
  ...SELECTOR_TABLES,
  ...PEER_TABLES,
  ...WORKLOAD_ENDPOINT_TABLES,
];

Deno.test(`admission tables have at least ${ROWS_MIN} rows, each known by one name`, () => {
  const names = TABLES.flatMap(({ name, rows }) => rows.map(([id]) => `${name}/${id}`));
  assertEquals(names.filter((name, at) => names.indexOf(name) < at), []);
  assert(names.length >= ROWS_MIN, `${names.length} rows`);
});

Deno.test("admission tables know good and bad objects of every kind that policy rests on", () => {
  const collections = [...POLICY_COLLECTIONS.keys(), ...Object.values(POLICY_OBJECT_COLLECTIONS).flat()];
  const served = KINDS.filter((kind) => collections.includes(collectionKey(kind)));
  assertEquals(served.length, collections.length);
  for (const kind of served) {
    const rows = TABLES.filter((table) => table.kind === kind).flatMap((table) => table.rows);
    assert(rows.some(([, , ...problems]) => problems.length === 0), `${kind.kind}: no good object`);
    assert(rows.some(([, , ...problems]) => problems.length > 0), `${kind.kind}: no bad object`);
  }
});

for (const table of TABLES) {
  Deno.test(`admission of ${table.name}: the base`, () => checkRow(table, ["base", {}]));
  for (const row of table.rows) {
    const verdict = row.length > 2 ? "refused" : "admitted";
    Deno.test(`admission of ${table.name}: ${row[0]} is ${verdict}`, () => checkRow(table, row));
  }
}

function checkRow({ kind, base, stored }: AdmissionTable, [, patch, ...expected]: AdmissionRow): void {
  const old = stored === undefined ? undefined : admit(kind, patched(base, stored), undefined, "Strict");
  assertEquals(old?.problems ?? [], []);
  const { problems, unknownFields } = admit(kind, patched(base, patch), old?.object, "Strict");
  const found: ExpectedProblem[] = [
    ...problems.map(({ path, message }) => [path, message] as const),
    ...unknownFields.map((path) => [path, UNKNOWN_FIELD] as const),
  ];
  const told = JSON.stringify(found, null, 1);
  assertEquals(found.map(([path]) => path).sort(), expected.map(([path]) => path).sort(), told);
  for (const [path, rule] of expected) {
    assert(
      found.some((problem) => problem[0] === path && problem[1].includes(rule)),
      `${path}: ${rule} not in ${told}`,
    );
  }
  assert(problems.every(({ message }) => /must |supported values/.test(message)), `a message without a rule: ${told}`);
}
