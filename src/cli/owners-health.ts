// Who has the owners' role, out of the list of people and groups: for `doctor`.

import { Fields } from "./fields.ts";
import type { Json } from "../core/json.ts";

export type Owners = {
  /** Humans: two identities of one are one. */
  readonly people: readonly string[];
  /** A group has the role: how many are in it, its issuer knows. */
  readonly isGroup: boolean;
  readonly text: string;
};

/** Of a page of the active ones. */
export function ownersIn(page: Json): Owners {
  const items = new Fields(page).list("items");
  const holders = items.filter((one) => one.exact("kind") === "person");
  const people = [...new Set(holders.map((one) => one.exact("person")))];
  const isGroup = holders.length < items.length;
  const ids = items.map((one) => one.text("id"));
  return { people, isGroup, text: ids.join(", ") };
}
