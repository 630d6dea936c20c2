/** Sentences that the viewer itself says. What the server says is shown as it is. */
import type { VitrineError } from "./errors.js";

export const TEXTS = {
  computing: "Computing the model",
  upToDate: "The model is up to date.",
  fit: "Show the whole model",
  again: "Try again",
  dismiss: "Close",
  noWebGl: "This browser cannot show 3D graphics. Switch on WebGL or hardware acceleration, or use another browser.",
  noTicket: "The page did not say which model to show. Give the vitrine-viewer element a ticket.",
  busy: (seconds: number) => `The model server is busy. Trying again in ${seconds} ${seconds === 1 ? "second" : "seconds"}.`,
  failed: (why: string) => `The model could not be computed with these values. ${why}`,
  picture: (name: string) =>
    `${name ? `3D view of ${name}` : "3D view"}. Arrow keys turn the model, plus and minus zoom, F shows all of it.`,
};

/** Heading of the card that stands in place of the model. */
export function headingFor(error: VitrineError): string {
  if (error.status === 401) return "This model is not open to you now";
  if (error.isRefusal) return "This model cannot be shown here";
  if (error.status === 429) return "The model server is busy";
  return error.status === 0 ? "The model cannot be shown right now" : "The model server has a problem";
}
