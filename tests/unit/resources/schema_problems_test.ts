/**
 * zod's issues as problems, one to one.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { z } from "zod";
import type { Json } from "#/base/json.ts";
import { isShapeFault, problemOfIssue, unknownFieldPaths } from "#/resources/schema_problems.ts";

interface IssueCase {
  readonly schema: z.ZodType;
  readonly value: Json;
  readonly problem: string;
  readonly shape: boolean;
}

const CASES: readonly IssueCase[] = [
  {
    schema: z.object({ a: z.string() }),
    value: {},
    problem: "v.a FieldValueRequired Required value: must be a text",
    shape: true,
  },
  {
    schema: z.object({ a: z.enum(["x", "y"]) }),
    value: {},
    problem: 'v.a FieldValueRequired Required value: must be one of "x", "y"',
    shape: true,
  },
  { schema: z.string(), value: 1, problem: "v FieldValueTypeInvalid Invalid value: 1: must be a text", shape: true },
  {
    schema: z.int(),
    value: 1.5,
    problem: "v FieldValueTypeInvalid Invalid value: 1.5: must be a whole number",
    shape: true,
  },
  {
    schema: z.boolean(),
    value: "x",
    problem: 'v FieldValueTypeInvalid Invalid value: "x": must be true or false',
    shape: true,
  },
  {
    schema: z.record(z.string(), z.string()),
    value: [],
    problem: "v FieldValueTypeInvalid Invalid value: []: must be an object of texts",
    shape: true,
  },
  {
    schema: z.enum(["x"]),
    value: "y",
    problem: 'v FieldValueNotSupported Unsupported value: "y": supported values: "x"',
    shape: true,
  },
  {
    schema: z.string().max(2),
    value: "abc",
    problem: "v FieldValueTooLong Too long: must be at most 2 characters: 3 characters",
    shape: false,
  },
  {
    schema: z.array(z.int()).max(1),
    value: [1, 2],
    problem: "v FieldValueTooMany Too many: 2: must have at most 1 items",
    shape: true,
  },
  {
    schema: z.array(z.int()).min(1),
    value: [],
    problem: "v FieldValueInvalid Invalid value: []: must have at least 1 item",
    shape: true,
  },
  {
    schema: z.int().max(5),
    value: 6,
    problem: "v FieldValueInvalid Invalid value: 6: must be at most 5",
    shape: false,
  },
  {
    schema: z.number().min(5),
    value: 4,
    problem: "v FieldValueInvalid Invalid value: 4: must be at least 5",
    shape: false,
  },
  {
    schema: z.string().min(1, { error: "must not be empty" }),
    value: "",
    problem: "v FieldValueRequired Required value: must not be empty",
    shape: false,
  },
  {
    schema: z.string().regex(/^a$/, { error: "must be a" }),
    value: "b",
    problem: 'v FieldValueInvalid Invalid value: "b": must be a',
    shape: false,
  },
  {
    schema: z.string().refine(() => false, { error: "must be c" }),
    value: "b",
    problem: 'v FieldValueInvalid Invalid value: "b": must be c',
    shape: false,
  },
  {
    schema: z.object({ a: z.array(z.object({ b: z.string() })) }),
    value: { a: [{ b: 1 }] },
    problem: "v.a[0].b FieldValueTypeInvalid Invalid value: 1: must be a text",
    shape: true,
  },
];

for (const { schema, value, problem, shape } of CASES) {
  Deno.test(`problemOfIssue() tells ${problem}`, () => {
    const issues = schema.safeParse(value).error?.issues ?? [];
    assertEquals(
      issues.map((issue) => problemOfIssue(issue, value, ["v"])).map(({ path, reason, message }) =>
        `${path} ${reason} ${message}`
      ),
      [problem],
    );
    assertEquals(issues.map(isShapeFault), [shape]);
  });
}

Deno.test("unknownFieldPaths() names each unknown field where it stands", () => {
  const schema = z.strictObject({ a: z.array(z.strictObject({ b: z.int() })) });
  const issues = schema.safeParse({ a: [{ b: 1, c: 2 }, { b: "x" }], d: 3, e: 4 }).error?.issues ?? [];
  assertEquals([...unknownFieldPaths(issues, ["v"])].sort(), ["v.a[0].c", "v.d", "v.e"]);
});
