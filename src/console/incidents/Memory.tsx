// What is remembered: incidents like this one, what was tried then and now, policies that followed, and a draft of one.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import type { DraftTrial, IncidentView } from "../../wire/types/incident-views.ts";
import { memoryQuery, type FollowedPolicy, type ShortAction, type SimilarIncident } from "../api/incident-queries.ts";
import { WordBadge } from "../ui/Badge.tsx";
import { Button } from "../ui/Button.tsx";
import { Foreign, ForeignLines } from "../ui/Foreign.tsx";
import { Age, Instant } from "../ui/Instant.tsx";
import { Command, ErrorNote, Loading, Pair, Pairs, Panel } from "../ui/Panel.tsx";
import { Cell, Row, Table } from "../ui/Table.tsx";

const HEADS = ["Incident", "Alike by", "Ended", "Laid to", "Tried", "Policies since"];

export function Memory({ incident }: { readonly incident: IncidentView }): ReactNode {
  const mark = `${incident.status} ${incident.explained?.at ?? ""} ${incident.services.length} ${incident.actions.length}`;
  const { data, error } = useQuery(memoryQuery(incident.id, mark));
  if (error !== null) return <ErrorNote error={error} />;
  if (data === undefined) return <Loading what="what is remembered" />;
  return (
    <>
      <Panel title="Incidents like it" flush={data.similar.length > 0}>
        {data.similar.length === 0 ? (
          <p className="text-muted">None among the last thousand of its environment.</p>
        ) : (
          <Table label="Incidents like it" heads={HEADS}>
            {data.similar.map((one) => (
              <SimilarRow key={one.id} similar={one} />
            ))}
          </Table>
        )}
      </Panel>
      {(data.actions.length > 0 || data.policies.length > 0) && (
        <Panel title="What came of it">
          <Pairs>
            {data.actions.length > 0 && (
              <Pair name="Tried">
                <Tried actions={data.actions} />
              </Pair>
            )}
            {data.policies.length > 0 && (
              <Pair name="Policies since">
                <Followed policies={data.policies} />
              </Pair>
            )}
          </Pairs>
        </Panel>
      )}
      {data.draft !== null && <Draft text={data.draft} trial={data.trial} />}
    </>
  );
}

function SimilarRow({ similar }: { readonly similar: SimilarIncident }): ReactNode {
  const { id, status, services, score, by, openedAt, resolution, cause, actions, policies } = similar;
  return (
    <Row>
      <Cell>
        <Link to="/incidents/$id" params={{ id }} className="font-mono text-xs text-accent hover:underline">
          {id}
        </Link>
        <span className="block text-2xs text-faint">
          <Foreign text={services.join(", ")} />
        </span>
      </Cell>
      <Cell muted>
        {by.join(", ")} <span className="block text-2xs text-faint">{score} of 100</span>
      </Cell>
      <Cell>
        <WordBadge word={status} />
        <span className="block text-2xs text-faint">
          opened <Age ms={openedAt} />
          {resolution !== null && (
            <>
              {", "}
              <Foreign text={resolution} />
            </>
          )}
        </span>
      </Cell>
      <Cell muted>
        {cause === null ? <span className="text-faint">nothing known</span> : <Foreign text={cause.cause} />}
        {cause !== null && (
          <span className="block text-2xs text-faint">
            {cause.changeKind ?? cause.kind}: <Foreign mono text={cause.chain.join(" → ")} />
          </span>
        )}
      </Cell>
      <Cell>{actions.length === 0 ? <span className="text-faint">nothing</span> : <Tried actions={actions} />}</Cell>
      <Cell>{policies.length === 0 ? <span className="text-faint">none</span> : <Followed policies={policies} />}</Cell>
    </Row>
  );
}

function Tried({ actions }: { readonly actions: readonly ShortAction[] }): ReactNode {
  return (
    <ul>
      {actions.map(({ id, kind, status }) => (
        <li key={id}>
          <Link to="/actions/$id" params={{ id }} className="hover:underline">
            <Foreign text={kind} />
          </Link>{" "}
          <WordBadge word={status} />
        </li>
      ))}
    </ul>
  );
}

function Followed({ policies }: { readonly policies: readonly FollowedPolicy[] }): ReactNode {
  return (
    <ul>
      {policies.map(({ id, status }) => (
        <li key={id}>
          <span className="font-mono text-xs">{id.slice(0, 16)}</span> <WordBadge word={status} />
        </li>
      ))}
    </ul>
  );
}

type DraftProps = { readonly text: string; readonly trial: DraftTrial | null };

function Draft({ text, trial }: DraftProps): ReactNode {
  const [said, setSaid] = useState("");
  const copy = (): void => {
    // On plain http away from localhost browsers have no clipboard: the text can still be selected.
    const copied = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error("no clipboard"));
    copied.then(
      () => setSaid("Copied."),
      () => setSaid("This browser does not let pages copy here: select the text."),
    );
  };
  return (
    <Panel
      title="The policy that it suggests"
      aside={
        <Button size="sm" onClick={copy}>
          Copy
        </Button>
      }
    >
      <p className="mb-2 text-muted">
        It never allows anything. Narrow it, give it a file, and propose it:{" "}
        <Command>holdpoint policy propose FOLDER</Command>
      </p>
      {trial !== null && <Trial trial={trial} />}
      <div className="rounded-md border border-line bg-sunken px-3 py-2">
        <ForeignLines mono text={text} />
      </div>
      <p role="status" className="mt-1 text-xs text-muted">
        {said}
      </p>
    </Panel>
  );
}

/** What it would have changed of what is on record. */
function Trial({ trial }: { readonly trial: DraftTrial }): ReactNode {
  const { decisions, since, wouldHold, held, refused, examples } = trial;
  if (since === null) {
    return <p className="mb-2 text-muted">Nothing was decided about these services yet to hold it against.</p>;
  }
  return (
    <p className="mb-2 text-muted">
      Of the last {decisions} decisions about these services, since <Instant ms={since} />, it would have held{" "}
      <span className="font-medium text-ink">{wouldHold}</span> that were allowed; {held} were held and {refused}{" "}
      refused anyway.
      {examples.map((id) => (
        <Link key={id} to="/actions/$id" params={{ id }} className="ml-2 font-mono text-xs text-accent hover:underline">
          {id}
        </Link>
      ))}
    </p>
  );
}
