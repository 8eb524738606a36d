// What the ledger tells the graph: incidents, what was done about them, and the policies that judged it or came of it.

import { changeNodeText } from "./change.ts";
import { isNodeName, parseNodeText } from "../wire/schemas/model.ts";
import { isPlainName } from "../core/names.ts";
import { CHANGE_KINDS, type ChangeKind, type EdgeKind, type NodeRef } from "../wire/types/model.ts";
import type { IncidentView } from "../wire/types/incident-views.ts";
import type { ActionView } from "../wire/types/views.ts";

/** How something stands from then on, in milliseconds since 1970. */
export interface ToldState {
  readonly at: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** States in order: how it began, and how it stands now. */
export interface ToldNode {
  readonly node: NodeRef;
  readonly states: readonly ToldState[];
}

export interface ToldEdge {
  readonly kind: EdgeKind;
  readonly from: NodeRef;
  readonly to: NodeRef;
  readonly at: number;
}

export interface Told {
  readonly nodes: readonly ToldNode[];
  readonly edges: readonly ToldEdge[];
  /** Since when no other policies are in force than these nodes; null where nothing is said of that. */
  readonly policiesSince: number | null;
}

const SERVICES_MAX = 32;
const POLICIES_MAX = 16;

/** `begunAt`: when its first step began; null where none did, or nobody saw it. */
export function toldAction(action: ActionView, begunAt: number | null): Told {
  const { id, environment, service, kind, status, evaluation, proposedAt, updatedAt, dryRun, attempt, incident } =
    action;
  const node: NodeRef = { kind: "action", environment, name: id };
  const always = { kind, signed: action.signed === null ? "no" : "yes" };
  const decision = evaluation === null ? {} : { decision: evaluation.decision };
  const edges: ToldEdge[] = [];
  const began = begunAt ?? (attempt > 0 ? updatedAt : null);
  if (began !== null && !dryRun) {
    edges.push({ kind: "changed-by", from: { kind: "service", environment, name: service }, to: node, at: began });
  }
  if (incident !== null) {
    edges.push({ kind: "caused", from: { kind: "incident", environment, name: incident }, to: node, at: proposedAt });
  }
  for (const name of policiesOf(action)) {
    const to: NodeRef = { kind: "policy", environment: null, name };
    edges.push({ kind: "configured-by", from: node, to, at: updatedAt });
  }
  const states = [
    { at: proposedAt, attributes: { ...always, status: "evaluating" } },
    { at: updatedAt, attributes: { ...always, ...decision, status } },
  ];
  return told([{ node, states }], edges);
}

/** Policies whose rules and gates judged it, by name. */
function policiesOf({ evaluation }: ActionView): readonly string[] {
  const gates = (evaluation?.verdicts ?? []).map(({ gate }) => gate).filter((gate) => gate.includes("/"));
  const names = new Set(gates.map((gate) => gate.split("/", 1)[0] ?? ""));
  names.delete("kernel");
  return [...names].slice(0, POLICIES_MAX);
}

export function toldIncident(incident: IncidentView): Told {
  const { id, environment, services, status, openedAt, resolvedAt, lastSignalAt, mergedInto } = incident;
  const node: NodeRef = { kind: "incident", environment, name: id };
  const edges: ToldEdge[] = services.slice(0, SERVICES_MAX).map((name) => {
    return { kind: "caused", from: { kind: "service", environment, name }, to: node, at: openedAt };
  });
  const cause = causeOf(incident);
  if (cause !== undefined) edges.push({ kind: "caused", from: cause, to: node, at: openedAt });
  if (mergedInto !== null) {
    const to: NodeRef = { kind: "incident", environment, name: mergedInto };
    edges.push({ kind: "member-of", from: node, to, at: openedAt });
  }
  const isOpen = status === "open";
  const sinceMs = isOpen && incident.reopened === 0 ? openedAt : isOpen ? lastSignalAt : (resolvedAt ?? lastSignalAt);
  const states = [
    { at: openedAt, attributes: { status: "open" } },
    { at: sinceMs, attributes: { status } },
  ];
  return told([{ node, states }], edges);
}

/** What explained it, the surest; undefined where nothing did, or it is no node. */
function causeOf({ explained }: IncidentView): NodeRef | undefined {
  const [first] = explained?.causes ?? [];
  if (first === undefined || first.kind !== "change") return first && parseNodeText(first.cause);
  const kind = CHANGE_KINDS.find((one): one is ChangeKind => one === first.changeKind);
  return kind === undefined ? undefined : parseNodeText(changeNodeText({ id: first.cause, kind }));
}

/** All policies in force, each with the incident that it was drafted from, where it is of one. */
export function toldPolicies(
  policies: readonly { readonly name: string; readonly after: NodeRef | null }[],
  sinceMs: number,
): Told {
  const nodes: ToldNode[] = [];
  const edges: ToldEdge[] = [];
  for (const { name, after } of policies) {
    const node: NodeRef = { kind: "policy", environment: null, name };
    nodes.push({ node, states: [{ at: sinceMs, attributes: { status: "active" } }] });
    if (after !== null) edges.push({ kind: "caused", from: after, to: node, at: sinceMs });
  }
  return { ...told(nodes, edges), policiesSince: sinceMs };
}

/** Without what can be no node: services are called what signals call them. */
function told(nodes: readonly ToldNode[], edges: readonly ToldEdge[]): Told {
  return {
    nodes: nodes.filter(({ node }) => isNode(node)),
    edges: edges.filter(({ from, to }) => isNode(from) && isNode(to)),
    policiesSince: null,
  };
}

function isNode({ kind, environment, name }: NodeRef): boolean {
  return isNodeName(kind, name) && (environment === null || isPlainName(environment));
}
