// What trying an action's inverse without an effect told, once the action was done.

export type InverseCheck = {
  /** `planned`: it would go, as planned. `refused`: it would not. `unknown`: nobody could tell. */
  readonly result: "planned" | "refused" | "unknown";
  /** Why it would not go, or nobody could tell; empty where it would. */
  readonly code: string;
  /** SHA-256 of the plan by which it would go; null where there is none. */
  readonly planHash: string | null;
  /** Which try this was, from 1: again only where nobody could tell. */
  readonly tries: number;
};

/** With the event that says so, whose payload holds that plan, and its time. */
export type InverseCheckView = InverseCheck & { readonly seq: number; readonly at: number };
