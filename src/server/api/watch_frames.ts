/**
 * The lines of a watch: `{type, object}` with the object whole, as a Table row, or as its metadata. An object's text is made once and shared by every
 * watch that sends it. Used by `watch.ts`.
 *
 * @module
 */
import type { PrinterColumn } from "#/resources/kind.ts";
import type { KubeObject } from "#/resources/object.ts";
import type { Representation } from "#/server/api/accept.ts";
import { type IncludeObject, metadataOf, tableOf } from "#/server/api/table.ts";

/** What happened to an object, as the watcher sees it through its selector. */
export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED";

/** Annotation of the bookmark that ends the initial events. */
export const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

/** Texts kept; watches that keep up ask for the same ones within moments. */
export const OBJECT_TEXTS_MAX = 1_024;

/** JSON texts of objects lately sent. Objects never change, so a text is good for as long as it is kept. */
export class ObjectTexts {
  /** Oldest first. */
  readonly #texts = new Map<KubeObject, string>();

  /** The object's JSON text. */
  of(object: KubeObject): string {
    const known = this.#texts.get(object);
    if (known !== undefined) return known;
    const text = JSON.stringify(object);
    this.#texts.set(object, text);
    if (this.#texts.size > OBJECT_TEXTS_MAX) this.#texts.delete(this.#texts.keys().next().value!);
    return text;
  }
}

/** How one watch writes its lines. */
export interface FrameStyle {
  readonly representation: Representation;
  readonly columns: readonly PrinterColumn[];
  readonly include: IncludeObject;
  /** `apiVersion` and `kind` of the objects, for bookmarks. */
  readonly apiVersion: string;
  readonly kind: string;
}

/** Writes the lines of one watch, in order. */
export interface FrameWriter {
  /** @param now milliseconds since the Unix epoch, for ages */
  event(type: WatchEventType, object: KubeObject, now: number): string;
  /** A line that carries only the position seen. */
  bookmark(position: number, endsInitialEvents: boolean): string;
}

/** Makes the writer of one watch. It remembers only whether the columns of a Table have been sent. */
export function frameWriter(style: FrameStyle, texts: ObjectTexts): FrameWriter {
  let withColumns = true;
  const table = (objects: readonly KubeObject[], resourceVersion: string, now: number) => {
    const { columns, include } = style;
    const frame = tableOf(objects, { columns, include, now, withColumns, meta: { resourceVersion } });
    withColumns = false;
    return JSON.stringify(frame);
  };
  const textOf = (object: KubeObject, now: number): string => {
    switch (style.representation) {
      case "object":
        return texts.of(object);
      case "metadata":
        return JSON.stringify(metadataOf(object));
      case "table":
        return table([object], object.metadata.resourceVersion ?? "", now);
    }
  };
  return {
    event: (type, object, now) => `{"type":"${type}","object":${textOf(object, now)}}\n`,
    bookmark(position, endsInitialEvents) {
      const resourceVersion = String(position);
      const annotations = endsInitialEvents ? { annotations: { [INITIAL_EVENTS_END]: "true" } } : {};
      const object = style.representation === "table"
        ? table([], resourceVersion, 0)
        : JSON.stringify({ ...typeOf(style), metadata: { resourceVersion, ...annotations } });
      return `{"type":"BOOKMARK","object":${object}}\n`;
    },
  };
}

function typeOf(style: FrameStyle): { readonly kind: string; readonly apiVersion: string } {
  return style.representation === "metadata"
    ? { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" }
    : { kind: style.kind, apiVersion: style.apiVersion };
}
