// The runtime model: the graph around a node as of any moment, what fails with it, and what differs from another moment.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo, type ReactNode } from "react";
import { aroundQuery, diffQuery, impactQuery, nodeQuery, nodesQuery } from "../api/model-queries.ts";
import { utcText } from "../text/instants.ts";
import { buttonClass } from "../ui/Button.tsx";
import { Choice } from "../ui/Field.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Command, Empty, ErrorNote, Loading, Panel } from "../ui/Panel.tsx";
import { Cell, Row, Table } from "../ui/Table.tsx";
import { DiffPanel } from "./DiffPanel.tsx";
import { GraphDrawing } from "./GraphDrawing.tsx";
import { GraphTable } from "./GraphTable.tsx";
import { ImpactPanel } from "./ImpactPanel.tsx";
import { marksOfDiff, marksOfImpact, NO_MARKS } from "./marks.ts";
import { depthOf, instantOf, type ModelSearch } from "./model-search.ts";
import { NodePanel } from "./NodePanel.tsx";
import { NodeSearch } from "./NodeSearch.tsx";
import { measuredText, partsOf, percentText } from "./node-text.ts";
import { TimeSlider } from "./TimeSlider.tsx";

export function ModelPage(): ReactNode {
  const search: ModelSearch = useSearch({ from: "/model" });
  return (
    <div className="mx-auto flex max-w-7xl flex-col gap-3.5 px-4 py-4 sm:px-6">
      <header className="flex flex-wrap items-center gap-3">
        <h1 className="text-lg font-semibold tracking-tight">Model</h1>
        <NodeSearch search={search} />
      </header>
      {search.node === undefined ? <Beginnings /> : <Around search={search} node={search.node} />}
    </div>
  );
}

const BEGINNINGS_MAX = 50;

/** Where nothing is chosen: the services that most of the traffic gets to. */
function Beginnings(): ReactNode {
  const { data, error } = useQuery(nodesQuery);
  if (error !== null) return <ErrorNote error={error} />;
  if (data === undefined) return <Loading what="the model" />;
  const services = data.nodes
    .filter(({ kind }) => kind === "service")
    .toSorted((a, b) => (b.observed?.share ?? 0) - (a.observed?.share ?? 0));
  if (services.length === 0) {
    return (
      <Empty title="The model knows no service yet">
        It learns from traces (<Command>POST /v1/traces</Command>), from clusters, and from what is declared (
        <Command>holdpoint model apply FILE</Command>).
      </Empty>
    );
  }
  return (
    <>
      <p className="text-muted">
        {data.isWhole ? data.nodes.length : `More than ${data.nodes.length}`} nodes. The services that most requests
        from outside get to:
      </p>
      <Table label="Services" heads={["Service", "Of all traffic", "Measured"]}>
        {services.slice(0, BEGINNINGS_MAX).map(({ id, observed }) => (
          <Row key={id}>
            <Cell>
              <Link to="/model" search={{ node: id }} className="hover:underline">
                <Foreign mono text={id} />
              </Link>
            </Cell>
            <Cell muted>{observed === null ? "" : percentText(observed.share)}</Cell>
            <Cell muted>{observed === null ? "nothing" : measuredText(observed)}</Cell>
          </Row>
        ))}
      </Table>
    </>
  );
}

function Around({ search, node }: { readonly search: ModelSearch; readonly node: string }): ReactNode {
  const navigate = useNavigate();
  const at = instantOf(search.at);
  const from = instantOf(search.from);
  const isImpact = search.show === "impact";
  const isDiff = search.show === "diff" && from !== undefined;
  const graph = useQuery(aroundQuery({ node, depth: depthOf(search.depth), at }));
  const known = useQuery(nodeQuery({ node, at: undefined }));
  const then = useQuery(nodeQuery({ node, at }));
  const impact = useQuery({ ...impactQuery({ node, at }), enabled: isImpact });
  const { environment } = partsOf(node);
  const diff = useQuery({ ...diffQuery({ from: from ?? 0, at, environment }), enabled: isDiff });
  const moments = useMemo(() => momentsOf(known.data?.history ?? []), [known.data]);
  const marks = useMemo(() => {
    if (isImpact && impact.data !== undefined) return marksOfImpact(impact.data);
    return isDiff && diff.data !== undefined ? marksOfDiff(diff.data) : NO_MARKS;
  }, [isImpact, isDiff, impact.data, diff.data]);
  const change = useCallback(
    (more: { [K in keyof ModelSearch]: ModelSearch[K] | undefined }): void => {
      const next = Object.fromEntries(
        Object.entries({ ...search, ...more }).filter(([, value]) => value !== undefined),
      );
      void navigate({ to: "/model", search: next, replace: true });
    },
    [navigate, search],
  );
  const setAt = useCallback(
    (moment: number | undefined) => change({ at: moment === undefined ? undefined : String(moment) }),
    [change],
  );
  const error = graph.error ?? then.error ?? (isImpact ? impact.error : null) ?? (isDiff ? diff.error : null);
  return (
    <>
      <TimeSlider key={node} moments={moments} at={at} onChange={setAt} />
      <Choices search={search} at={at} moments={moments} onChange={change} />
      {error !== null && <ErrorNote error={error} />}
      {graph.data === undefined && graph.error === null && <Loading what="the graph" />}
      {graph.data !== undefined && graph.error === null && (
        <Panel title="Graph" flush aside={<span>version {graph.data.modelVersion} of the model</span>}>
          {search.view === "table" ? (
            <GraphTable graph={graph.data} search={search} marks={marks} />
          ) : (
            <GraphDrawing graph={graph.data} center={node} search={search} marks={marks} />
          )}
        </Panel>
      )}
      {isImpact && impact.data !== undefined && <ImpactPanel impact={impact.data} />}
      {isDiff && diff.data !== undefined && <DiffPanel diff={diff.data} />}
      {then.data !== undefined && <NodePanel document={then.data} />}
    </>
  );
}

function momentsOf(history: readonly { readonly validFrom: number }[]): readonly number[] {
  return [...new Set(history.map(({ validFrom }) => validFrom))].toSorted((a, b) => a - b);
}

type ChoicesProps = {
  readonly search: ModelSearch;
  readonly at: number | undefined;
  readonly moments: readonly number[];
  readonly onChange: (more: { [K in keyof ModelSearch]: ModelSearch[K] | undefined }) => void;
};

const DEPTHS = [
  ["1", "1 step"],
  ["2", "2 steps"],
  ["3", "3 steps"],
] as const;

function Choices({ search, at, moments, onChange }: ChoicesProps): ReactNode {
  // A comparison begins with what was before the newest change of what is shown, until another moment is chosen.
  const earlier = instantOf(search.from) ?? moments.findLast((moment) => moment < (at ?? Infinity)) ?? 0;
  const isDiff = search.show === "diff";
  const pick = (name: string, isOn: boolean, to: Parameters<typeof onChange>[0]): ReactNode => (
    <button
      type="button"
      aria-pressed={isOn}
      onClick={() => onChange(to)}
      className={buttonClass(isOn ? "accent" : "plain", "sm")}
    >
      {name}
    </button>
  );
  const isTable = search.view === "table";
  const isImpact = search.show === "impact";
  return (
    <div className="flex flex-wrap items-end gap-2">
      <Choice
        label="How far"
        hidden
        value={String(depthOf(search.depth))}
        options={DEPTHS}
        onChange={(depth) => onChange({ depth })}
      />
      {pick("As a table", isTable, { view: isTable ? undefined : "table" })}
      {pick("What if it fails", isImpact, { show: isImpact ? undefined : "impact" })}
      {pick(
        "What changed",
        isDiff,
        isDiff ? { show: undefined, from: undefined } : { show: "diff", from: String(Math.max(0, earlier - 1_000)) },
      )}
      {isDiff && (
        <Choice
          label="Compared with"
          value={search.from ?? ""}
          options={earlierOf(moments, search.from)}
          onChange={(from) => onChange({ from })}
        />
      )}
    </div>
  );
}

const EARLIER_MAX = 100;

/** Just before each change of what is shown, the newest first; what the address names is among them. */
function earlierOf(moments: readonly number[], chosen: string | undefined): readonly (readonly [string, string])[] {
  const before = moments.map((moment) => Math.max(0, moment - 1_000)).slice(-EARLIER_MAX);
  const all = new Set([...before, instantOf(chosen) ?? 0]);
  return [...all].toSorted((a, b) => b - a).map((moment) => [String(moment), utcText(moment)]);
}
