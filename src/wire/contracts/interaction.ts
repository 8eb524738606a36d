// What a person asks for from a chat: a button that was pressed, a form that was submitted, once it is proved who sent it.

import type { JsonObject } from "../../core/json.ts";

/** What an answer is about: bound to the plan that the person saw. */
export interface AnswerForm {
  readonly decision: "approve" | "deny";
  readonly action: string;
  readonly planHash: string;
}

/** `person` is the identity that configuration gives to the user of the chat; null for nobody. */
export type Interaction =
  | {
      readonly kind: "pressed";
      readonly person: string | null;
      readonly form: AnswerForm;
      /** Shows the form that an answer is given in; false when the chat did not. */
      open(about: { readonly kind: string; readonly target: string; readonly reversible: boolean }): Promise<boolean>;
      /** Says why there is none. */
      tell(text: string): Promise<boolean>;
    }
  | {
      readonly kind: "submitted";
      readonly person: string | null;
      readonly form: AnswerForm;
      /** Null for none. */
      readonly reason: string | null;
      /** Why it cannot be taken without a reason; null when it can, or when there is one. */
      missingReason(reversible: boolean): string | null;
      /** What to answer so that the person reads why it was not taken. */
      refusal(text: string): JsonObject;
    }
  | { readonly kind: "other" };

/** A request as it came, and what its sender signed it with. */
export interface SignedRequest {
  readonly bytes: Uint8Array;
  readonly signature: string | undefined;
  readonly timestamp: string | undefined;
}
