// What came of an action once it had run: its health checks, and the action that takes it back or that it takes back.

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { InverseCheckView } from "../../wire/types/inverse-check.ts";
import type { ActionContent, ActionDocument } from "../api/documents.ts";
import { Foreign } from "../ui/Foreign.tsx";
import { ValueText } from "../ui/JsonText.tsx";
import { HealthChecks } from "./HealthChecks.tsx";
import { Instant } from "../ui/Instant.tsx";
import { Pair, Pairs, Panel } from "../ui/Panel.tsx";

export function Outcome({ action }: { readonly action: ActionDocument }): ReactNode {
  const { phases, verification, inverseCheck, revert, revertOf, stepEnd, content } = action;
  const told = stepEnd === null ? null : (content ?? null);
  if ([told, verification, inverseCheck, revert, revertOf].every((one) => one === null)) return null;
  return (
    <Panel title="Outcome">
      <Pairs>
        {phases !== undefined && (
          <Pair name="Phase">
            {phases.at} of {phases.of}
          </Pair>
        )}
        {told !== null && <Did content={told} />}
        {verification !== null && (verification.samples > 0 || action.endedAt === null) && (
          <Pair name="Health">
            <Foreign text={verification.name} />: {verification.passes} of {verification.needed} passes in a row, after{" "}
            {verification.samples} samples
            {verification.failed.length > 0 && (
              <span className="block text-bad">
                did not pass: <Foreign text={verification.failed.join(", ")} />
              </span>
            )}
          </Pair>
        )}
        {inverseCheck !== null && (
          <Pair name="Undo tried">
            <UndoTried check={inverseCheck} />
          </Pair>
        )}
        {revert !== null && (
          <Pair name="Taken back">
            <ActionLink id={revert} />
          </Pair>
        )}
        {revertOf !== null && (
          <Pair name="Takes back">
            <ActionLink id={revertOf} />
          </Pair>
        )}
      </Pairs>
      {verification !== null && verification.samples > 0 && <HealthChecks action={action} />}
    </Panel>
  );
}

/** What its newest step did: of one that failed, where to look for why. */
function Did({ content: { outcome, missing } }: { readonly content: ActionContent }): ReactNode {
  if (outcome === undefined) return <Pair name="What it did">It cannot be read: {missing}.</Pair>;
  const { reference, detail } = outcome;
  return (
    <>
      {reference !== null && (
        <Pair name="Reference">
          <Foreign text={reference} />
        </Pair>
      )}
      {detail !== null && (
        <Pair name="What it did">
          <ValueText value={detail} />
        </Pair>
      )}
      {reference === null && detail === null && <Pair name="What it did">nothing more was said</Pair>}
    </>
  );
}

/** What takes it back was planned once it was done, as if it had to go, and not run. */
function UndoTried({ check }: { readonly check: InverseCheckView }): ReactNode {
  const { result, code, at } = check;
  return (
    <>
      {result === "planned" ? (
        "it would go"
      ) : (
        <span className="text-bad">
          {result === "refused" ? "it would not go" : "nobody could tell"}: <Foreign text={code} />
        </span>
      )}
      , tried without an effect <Instant ms={at} />
    </>
  );
}

function ActionLink({ id }: { readonly id: string }): ReactNode {
  return (
    <Link to="/actions/$id" params={{ id }} className="font-mono text-xs text-accent hover:underline">
      {id}
    </Link>
  );
}
