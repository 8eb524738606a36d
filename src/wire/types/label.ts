// What a reviewer says of advice: the raw material of earned levels.

export const LABELS = ["agree", "disagree", "unsure"] as const;

/** `agree`: it would have been right to do it. `unsure`: the reviewer cannot tell. */
export type Label = (typeof LABELS)[number];

/** What is wrong with advice: it rests on what is not there, on bad data, or leans where it should weigh. */
export const FAULTS = ["hallucination", "data-quality", "bias"] as const;
export type Fault = (typeof FAULTS)[number];

export interface LabelView {
  /** Event whose payload holds the reason. */
  readonly seq: number;
  readonly at: number;
  readonly person: string;
  readonly label: Label;
  readonly faults: readonly Fault[];
}
