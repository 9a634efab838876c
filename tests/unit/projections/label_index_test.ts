/**
 * The label index by hand-made cases; random ones are in `tests/properties/projection_label_index_test.ts`.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { AssertionFailure } from "#/base/assert.ts";
import type { Selector } from "#/base/selector.ts";
import { parseSelector } from "#/base/selector_parser.ts";
import { createLabelIndex } from "#/projections/label_index.ts";

function selector(text: string): Selector {
  const parsed = parseSelector(text);
  if (parsed.kind === "invalid") throw new Error(parsed.message);
  return parsed.selector;
}

Deno.test("createLabelIndex() gives the inheritance of Calico: own label, then the first parent that has it", () => {
  const index = createLabelIndex();
  index.upsertParent("p1", { env: "prod", tier: "a" });
  index.upsertParent("p2", { tier: "b", zone: "z" });
  index.upsertEndpoint("e", { app: "web", env: "dev" }, ["p1", "p2"]);
  const cases: Readonly<Record<string, boolean>> = {
    "env == 'dev'": true,
    "env == 'prod'": false,
    "tier == 'a'": true,
    "tier == 'b'": false,
    "zone == 'z'": true,
    "app == 'web' && tier == 'a'": true,
  };
  for (const [text, expected] of Object.entries(cases)) {
    assertEquals(index.addSelector(text, selector(text)).has("e"), expected, text);
  }
  index.addSelector("no zone", selector("!has(zone)"));
  assertEquals(index.removeParent("p2").filter((delta) => delta.selector.includes("zone")), [
    { selector: "zone == 'z'", endpoint: "e", change: "stopped" },
    { selector: "no zone", endpoint: "e", change: "started" },
  ]);
});

Deno.test("createLabelIndex() tells what began and ceased to match, once", () => {
  const index = createLabelIndex();
  index.addSelector("web", selector("app == 'web'"));
  assertEquals(index.upsertEndpoint("e", { app: "web" }, []), [{ selector: "web", endpoint: "e", change: "started" }]);
  assertEquals(index.upsertEndpoint("e", { app: "web" }, []), []);
  assertEquals(index.upsertEndpoint("e", { app: "web", more: "" }, []), []);
  assertEquals(index.upsertEndpoint("e", { app: "db" }, []), [{ selector: "web", endpoint: "e", change: "stopped" }]);
  index.upsertEndpoint("e", { app: "web" }, []);
  assertEquals(index.removeEndpoint("e"), [{ selector: "web", endpoint: "e", change: "stopped" }]);
  assertEquals(index.removeEndpoint("e"), []);
  assertEquals(index.endpointsOf("web").size, 0);
});

Deno.test("createLabelIndex() forgets a selector with its last use", () => {
  const index = createLabelIndex();
  index.upsertEndpoint("e", { app: "web" }, []);
  index.addSelector("web", selector("app == 'web'"));
  index.addSelector("web", selector("app == 'web'"));
  index.removeSelector("web");
  assertEquals([...index.selectorsOf("e")], ["web"]);
  index.removeSelector("web");
  assertEquals([...index.selectorsOf("e")], []);
  assertEquals(index.endpointsOf("web").size, 0);
  assertThrows(() => index.removeSelector("web"), AssertionFailure);
});

Deno.test("createLabelIndex() is not fooled by labels with names of Object.prototype", () => {
  const index = createLabelIndex();
  index.upsertEndpoint("e", {}, []);
  for (const label of ["constructor", "toString", "hasOwnProperty"]) {
    assertEquals(index.addSelector(label, selector(`has(${label})`)).size, 0, label);
  }
});
