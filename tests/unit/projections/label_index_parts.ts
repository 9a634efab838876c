/**
 * The parts of a label index put together by hand, for tests of single parts.
 *
 * @module
 */
import { parseSelector } from "#/base/selector_parser.ts";
import type { Labels } from "#/projections/label_index.ts";
import { bearerNumber, createLabelStore, putLabels, setParents } from "#/projections/label_index_labels.ts";
import { createLanes, type LabelIndex } from "#/projections/label_index_lanes.ts";
import { createSelectorStore, putSelector } from "#/projections/label_index_selectors.ts";

/** Nothing in it. */
export function emptyParts(): LabelIndex {
  return {
    labels: createLabelStore(),
    selectors: createSelectorStore(),
    lanes: createLanes(),
    version: 0,
    block: undefined,
  };
}

/** Adds a selector, whose text is its id; returns its number. */
export function select({ labels, selectors }: LabelIndex, text: string): number {
  const parsed = parseSelector(text);
  if (parsed.kind === "invalid") throw new Error(parsed.message);
  return putSelector(selectors, labels, text, parsed.selector);
}

/** Adds an endpoint with parents; returns its number. */
export function place({ labels }: LabelIndex, id: string, own: Labels, parents: readonly string[] = []): number {
  const number = bearerNumber(labels.endpoints, id);
  putLabels(labels, labels.endpoints, number, own);
  setParents(labels, number, parents);
  return number;
}
