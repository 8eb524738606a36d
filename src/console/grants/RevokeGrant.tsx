// Taking a grant back: at once, a call under way included, and without an approval.

import type { ReactNode } from "react";
import type { GrantView } from "../../wire/types/grant-views.ts";
import { write } from "../api/api-client.ts";
import { RevokeDialog, withReason } from "../shell/RevokeDialog.tsx";
import { plainText } from "../text/visible-text.ts";

type Revoked = { readonly status: string };

export function RevokeGrant({ grant }: { readonly grant: GrantView }): ReactNode {
  const { id, kind, covers, action } = grant;
  const path = `/v1/grants/${encodeURIComponent(id)}/revoke`;
  return (
    <RevokeDialog
      label={`Revoke ${id}`}
      title={`Take back the grant for ${plainText(kind)}?`}
      description="Nothing more begins under it. A call that is under way is stopped, and its target is asked what became of it."
      queryKey="grants"
      revoke={({ reason, key }) => write<Revoked>({ method: "POST", path, body: withReason(reason), key })}
      said={({ status }) => `${id} is revoked${covers === "plan" ? `: ${action} is ${status}` : ""}.`}
    />
  );
}
