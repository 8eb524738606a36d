// Revoking a person or a group: at once, and without an approval.

import type { ReactNode } from "react";
import type { PersonView } from "../../wire/types/rights.ts";
import { write } from "../api/api-client.ts";
import { RevokeDialog, withReason } from "../shell/RevokeDialog.tsx";
import { plainText } from "../text/visible-text.ts";

export function RevokePerson({ one: { id, name } }: { readonly one: PersonView }): ReactNode {
  const called = plainText(name ?? id);
  const path = `/v1/people/${encodeURIComponent(id)}/revoke`;
  return (
    <RevokeDialog
      label={`Revoke ${called}`}
      title={`Revoke ${called}?`}
      description="Tokens and sessions end at once, approvals that were not used yet are void, and what was asked for and has not begun will not run."
      queryKey="people"
      revoke={({ reason }) => write({ method: "POST", path, body: withReason(reason) })}
      said={() => `${called} is revoked.`}
    />
  );
}
