// Taking a level back: at once, and without an approval.

import type { ReactNode } from "react";
import type { LevelView } from "../../wire/types/grant-views.ts";
import { RevokeDialog } from "../shell/RevokeDialog.tsx";
import { plainText } from "../text/visible-text.ts";
import { LEVEL_NAMES } from "./level-names.ts";
import { proposeOwn } from "../api/propose-own.ts";

export function RevokeLevel({ level }: { readonly level: LevelView }): ReactNode {
  const { id, agent, kinds } = level;
  return (
    <RevokeDialog
      label={`Revoke ${id}`}
      title={`Take level ${level.level} from ${plainText(agent)}?`}
      description={`It ends at once, calls under way included: ${LEVEL_NAMES[level.level]} for ${plainText(kinds.join(" "))}.`}
      queryKey="levels"
      revoke={({ reason, key }) => proposeOwn({ kind: "level.revoke", args: { grant: id }, reason, key })}
      said={({ status }) => (status === "succeeded" ? `${id} is revoked.` : `Asked for: it is ${status}.`)}
    />
  );
}
