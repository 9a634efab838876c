/**
 * Pieces of schema that core kinds share. They are loose: fields of Kubernetes that the network does not read are kept as they are.
 *
 * @module
 */
import { z } from "zod";

/** Observed conditions in Kubernetes' shape, at most one of each type. */
export function conditionList(): z.ZodType {
  return z.array(
    z.looseObject({
      type: z.string().describe("What the condition is about."),
      status: z.string().describe("True, False or Unknown."),
      reason: z.string().optional().describe("Why, in one word for machines."),
      message: z.string().optional().describe("Why, in a sentence for people."),
      lastTransitionTime: z.string().optional().describe("When the status last changed."),
    }).describe("One condition."),
  ).describe("Observed conditions, at most one of each type.");
}

/** References to objects of the same namespace by name. */
export function localReferenceList(): z.ZodType {
  return z.array(
    z.looseObject({ name: z.string().optional().describe("Name of the object.") }).describe("A reference."),
  );
}
