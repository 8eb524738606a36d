// The structured answer every classifier must give (S4).

export const SEVERITIES = ["low", "medium", "high", "sev1"] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Classification {
  readonly classification: Severity;
  /** 0..1. */
  readonly confidence: number;
  readonly requires_ticket: boolean;
  readonly requires_paging: boolean;
  /** Major incident management: record, bridge, responders. */
  readonly requires_mim: boolean;
  readonly recommended_team: string;
}
