/**
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { BODY_BYTES_MAX, decodeBody, readBody } from "#/server/api/body.ts";

const JSON_TYPE = "application/json";
const YAML_TYPE = "application/apply-patch+yaml";

function decode(text: string, type: string): unknown {
  const body = decodeBody(new TextEncoder().encode(text), type);
  return "value" in body ? body.value : body;
}

Deno.test("decodeBody() reads JSON and YAML to the same value", () => {
  const want = { a: { b: [1, true, null, "x"] } };
  assertEquals<unknown>(decode('{"a":{"b":[1,true,null,"x"]}}', JSON_TYPE), want);
  assertEquals<unknown>(decode('{"a":{"b":[1,true,null,"x"]}}', YAML_TYPE), want);
  assertEquals<unknown>(decode("a:\n  b: [1, true, null, x]\n", YAML_TYPE), want);
  assertEquals<unknown>(decode("a: &x {b: 2}\nc: *x\n", "application/yaml"), { a: { b: 2 }, c: { b: 2 } });
});

Deno.test("decodeBody() leaves words and times that YAML 1.1 would change", () => {
  assertEquals<unknown>(decode("a: on\nb: 2026-01-01T00:00:00Z\nc: 0777\n", YAML_TYPE), {
    a: "on",
    b: "2026-01-01T00:00:00Z",
    c: 777,
  });
});

Deno.test("decodeBody() reports members that stand twice", () => {
  const body = decodeBody(new TextEncoder().encode('{"spec":{"a":1,"a":2}}'), JSON_TYPE);
  assert("value" in body);
  assertEquals([body.value, body.duplicates], [{ spec: { a: 2 } }, ["spec.a"]]);
});

const BOMB = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"].concat(
  Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join()}]`),
).join("\n");

const BAD: readonly {
  readonly name: string;
  readonly text: string;
  readonly type: string;
  readonly reason: string;
  readonly says: string;
}[] = [
  { name: "JSON", text: '{"a": 1,\n "b" 2}', type: JSON_TYPE, reason: "BadRequest", says: "line 2 column" },
  { name: "cut JSON", text: '{"a": [\n1', type: JSON_TYPE, reason: "BadRequest", says: "line 2" },
  { name: "YAML", text: "a: 1\nb: [1\n", type: YAML_TYPE, reason: "BadRequest", says: "at line 3, column 1" },
  { name: "YAML keys", text: "a: 1\na: 2\n", type: YAML_TYPE, reason: "BadRequest", says: "at line 2, column 1" },
  { name: "two documents", text: "a: 1\n---\nb: 2\n", type: YAML_TYPE, reason: "BadRequest", says: "multiple" },
  { name: "a YAML bomb", text: BOMB, type: YAML_TYPE, reason: "BadRequest", says: "alias" },
  {
    name: "deep JSON",
    text: "[".repeat(9999) + "]".repeat(9999),
    type: JSON_TYPE,
    reason: "BadRequest",
    says: "nested",
  },
  { name: "deep YAML", text: `a: ${"[".repeat(9999)}`, type: YAML_TYPE, reason: "BadRequest", says: "YAML" },
  { name: "an empty body", text: "", type: JSON_TYPE, reason: "BadRequest", says: "must not be empty" },
  {
    name: "protobuf",
    text: "{}",
    type: "application/vnd.kubernetes.protobuf",
    reason: "UnsupportedMediaType",
    says: "k8s",
  },
  {
    name: "a form",
    text: "a=b",
    type: "application/x-www-form-urlencoded",
    reason: "UnsupportedMediaType",
    says: "must be",
  },
  { name: "an inherited name", text: "{}", type: "constructor", reason: "UnsupportedMediaType", says: "must be" },
];

for (const { name, text, type, reason, says } of BAD) {
  Deno.test(`decodeBody() refuses ${name} and says where`, () => {
    const body = decodeBody(new TextEncoder().encode(text), type);
    assert("kind" in body);
    assertEquals(body.reason, reason);
    assertStringIncludes(body.message, says);
  });
}

Deno.test("decodeBody() refuses bytes that are not UTF-8", () => {
  const body = decodeBody(new Uint8Array([0x22, 0xff, 0x22]), JSON_TYPE);
  assertEquals("kind" in body && body.message, "Body must be UTF-8");
});

Deno.test("readBody() stops at its bound, whatever length is announced", async () => {
  const post = (body: BodyInit) => new Request("http://localhost/", { method: "POST", body });
  const whole = await readBody(post(new Uint8Array(BODY_BYTES_MAX)));
  assertEquals(whole instanceof Uint8Array && whole.length, BODY_BYTES_MAX);
  assertEquals<unknown>(await readBody(post(new Uint8Array(BODY_BYTES_MAX + 1))), { kind: "tooLarge" });
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  assertEquals<unknown>(await readBody(post(endless)), { kind: "tooLarge" });
  assert(sent < BODY_BYTES_MAX + 1_000_000);
});
