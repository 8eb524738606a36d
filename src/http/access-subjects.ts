// Whose call it is: what its own proposal would be judged by, and whether it could make one.

import type { Delegator, Identity } from "../wire/types/identity.ts";
import { hasScope, type ClientScope } from "../wire/types/scopes.ts";
import { isOwn, isPerson, type Placed } from "./access-calls.ts";
import type { Services } from "./services.ts";

export type Subject = {
  /** The human it speaks for, as brakes and budgets count; null where nobody is known. */
  readonly person: string | null;
  /** For whom it acts: only its own token says so. */
  readonly actsFor?: readonly Delegator[];
  /** Why no proposal of it would be taken; null where nothing is known against it. */
  readonly barred: "identity-unknown" | "scope-insufficient" | null;
};

type Directory = Pick<Services["identity"], "person" | "registered">;
type Asked = { readonly placed: Placed; readonly identity: Identity; readonly isOffered: boolean };

/**
 * As the token says of whoever asks about itself, else as it is registered now. People whom Holdpoint does not know may be
 * somebody to the system that asks: only what is carried out here is kept to those who may propose it. What an agent
 * declared is the kernel's to judge, whatever the kind.
 */
export function subjectOf(directory: Directory, { placed, identity, isOffered }: Asked): Subject {
  const { subject, kind } = placed;
  const scope: ClientScope = `actions:propose:${kind}`;
  if (isOwn(placed, identity)) {
    const { person, actsFor } = identity;
    const isHeldTo = isOffered || identity.kind === "agent";
    const barred = isHeldTo && !hasScope(identity, scope) ? "scope-insufficient" : null;
    return { person, barred, ...(actsFor === undefined ? {} : { actsFor }) };
  }
  if (!isPerson(placed)) {
    const [found] = directory.registered([subject]);
    return { person: found?.person ?? null, barred: found === undefined ? "identity-unknown" : null };
  }
  const found = directory.person(subject);
  const isKnownTo = found === undefined ? "identity-unknown" : hasScope(found, scope) ? null : "scope-insufficient";
  return { person: found?.person ?? null, barred: isOffered ? isKnownTo : null };
}
