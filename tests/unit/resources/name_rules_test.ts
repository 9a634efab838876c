/**
 * Kubernetes' rules for names and labels, at both sides of their borders.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { isDnsLabel, isDnsSubdomain, isLabelValue, isPortName, isQualifiedName } from "#/resources/name_rules.ts";

interface NameCase {
  readonly rule: (text: string) => boolean;
  readonly good: readonly string[];
  readonly bad: readonly string[];
}

const long = (length: number) => "a".repeat(length);

const CASES: readonly NameCase[] = [
  {
    rule: isDnsLabel,
    good: ["a", "0", "a-b", long(63)],
    bad: ["", "-a", "a-", "a.b", "A", "a_b", "é", "a\n", long(64)],
  },
  {
    rule: isDnsSubdomain,
    good: ["a", "a.b", "0.1", "a-b.c-d", `${long(126)}.${long(126)}`],
    bad: ["", ".", "a.", ".a", "a..b", "a.-b", "A", "a b", long(254)],
  },
  {
    rule: isQualifiedName,
    good: ["a", "A_b.c-d", "example.com/a", `example.com/${long(63)}`],
    bad: ["", "/", "/a", "a/", "a/b/c", "A.com/a", "-a", "a-", "a b", long(64), `${long(254)}/a`],
  },
  { rule: isLabelValue, good: ["", "a", "A_b.c-d", long(63)], bad: ["-", "a-", "a/b", "a b", "é", long(64)] },
  {
    rule: isPortName,
    good: ["http", "a", "1a", "a-b", "a".repeat(15)],
    bad: ["", "80", "-a", "a-", "a--b", "A", "a_b", "a".repeat(16)],
  },
];

for (const { rule, good, bad } of CASES) {
  Deno.test(`${rule.name}() keeps to its rule`, () => {
    assertEquals(good.filter((text) => !rule(text)), []);
    assertEquals(bad.filter(rule), []);
  });
}
