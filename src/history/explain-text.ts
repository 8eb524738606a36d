// An explanation as text for a terminal: three questions, each with its answer and the events that prove it.

import { outcomeLines } from "./explain-outcome.ts";
import type { ClassifierView } from "../wire/types/views.ts";
import { instant } from "./instant-text.ts";
import { findingsText } from "../wire/types/risk.ts";
import type { Answer, Explanation } from "./explanation.ts";

export function explanationText(explained: Omit<Explanation, "text">): string {
  const { action, kind, target } = explained;
  const resource = target.resource === null ? "" : ` ${target.resource}`;
  return [
    `${action}: ${kind} on ${target.environment}/${target.service}${resource}, last event ${explained.lastEvent}`,
    "",
    "Who approved the agent's authority",
    ...authorityLines(explained).map(indent),
    "",
    "What constraints limited its action",
    ...constraintLines(explained).map(indent),
    "",
    "How the decision is reconstructed",
    ...triageLines(explained.triage).map(indent),
    ...pathLines(explained).map(indent),
    ...afterwards(explained),
    ...labelled(explained),
  ].join("\n");
}

function afterwards({ outcome, inverseCheck }: Omit<Explanation, "text">): readonly string[] {
  const lines = [...inverseLines(inverseCheck), ...outcomeLines(outcome)];
  return lines.length === 0 ? [] : ["", "What came of it", ...lines.map(indent)];
}

function inverseLines(check: Explanation["inverseCheck"]): readonly string[] {
  if (check === null) return [];
  const { seq, at, result, code, planHash, tries } = check;
  const times = tries === 1 ? "" : `, ${tries} times,`;
  const told = { planned: `it would go, by plan ${planHash}`, refused: `it would not go: ${code}` };
  const what = result === "unknown" ? `nobody could tell${times}: ${code}` : told[result];
  return [`taking it back was tried without an effect, at ${instant(at)}: ${what} [${seq}]`];
}

function labelled({ labels }: Omit<Explanation, "text">): readonly string[] {
  if (labels.length === 0) return [];
  const lines = labels.map(({ person, actor, label, faults, replaces, at, seq }) => {
    const why = faults.length === 0 ? "" : ` (${faults.join(", ")})`;
    const before = replaces === null ? "" : `, no longer ${replaces}`;
    return `${label}${why}${before}, by ${person} as ${actor} at ${instant(at)} [${seq}]`;
  });
  return ["", "What people said of the advice", ...lines.map(indent)];
}

function indent(line: string): string {
  return `  ${line}`;
}

function authorityLines({ authority }: Omit<Explanation, "text">): readonly string[] {
  const { agent, agentKind, person, actsFor, answers, policy, stage, level, grant } = authority;
  const lines = [`proposed by ${agent} (${agentKind})${person === null ? "" : `, answerable: ${person}`}`];
  if (actsFor.length > 0) lines.push(`acting by its token for ${actsFor.toReversed().join(", then ")}`);
  lines.push(...signatureLines(authority), ...levelLines(level));
  if (policy === null) lines.push("no policy decided about it");
  else lines.push(`decided by policy bundle ${policy.bundleHash}${activation(policy)}`);
  if (policy !== null) lines.push(...policy.answers.map((answer) => `its activation: ${answered(answer)}`));
  if (stage !== null) lines.push(stageLine(stage));
  if (answers.length === 0) lines.push("no person was asked, or none answered");
  lines.push(...answers.map(answered));
  lines.push(
    grant === null ? "it was never granted" : `granted as ${grant.id} for plan ${grant.planHash} [${grant.seq}]`,
  );
  return lines;
}

const CHECKED = {
  holds: ": the signature holds over what is recorded",
  wrong: ": THE SIGNATURE DOES NOT HOLD over what is recorded",
  unread: ": what was signed is erased",
} as const;

function signatureLines({ signed, signatureCheck, registration }: Explanation["authority"]): readonly string[] {
  if (signed === null) return [];
  const { name, provider, version } = signed.model;
  const checked = signatureCheck === null ? "" : CHECKED[signatureCheck];
  const lines = [`signed by agent key ${signed.key}, model ${provider}/${name}@${version}${checked}`];
  if (registration === null) return lines;
  const { owner, parents, action, answers, seq } = registration;
  const above = parents.length === 0 ? "" : `, acting for ${parents.join(", then ")}`;
  lines.push(`registered by ${action} for ${owner}${above} [${seq}]`);
  return [...lines, ...answers.map((answer) => `its registration: ${answered(answer)}`)];
}

function levelLines(source: Explanation["authority"]["level"]): readonly string[] {
  if (source === null) return [];
  const { level, grant, granted } = source;
  if (grant === null) return [`at level ${level}: none is granted`];
  if (granted === null) return [`at level ${level}, of the grant ${grant}`];
  const { agent, action, expiresAt, answers, seq } = granted;
  const until = `until ${instant(expiresAt)} [${seq}]`;
  return [
    `at level ${level}, of the grant ${grant} to ${agent} by ${action} ${until}`,
    ...answers.map((answer) => `its level: ${answered(answer)}`),
  ];
}

function activation(policy: NonNullable<Explanation["authority"]["policy"]>): string {
  if (policy.activated === null) return "";
  const { actor, mode, seq } = policy.activated;
  return `, put in force by ${actor} (${mode}) [${seq}]`;
}

function stageLine({ stage, grant, granted }: NonNullable<Explanation["authority"]["stage"]>): string {
  if (grant === null) return `at the stage ${stage}: none was ever granted`;
  if (granted === null) return `at the stage ${stage}, of the grant ${grant}`;
  const { seq, actor, action } = granted;
  const how = action === null ? "signed by the root key at the first start" : `by ${actor} in ${action}`;
  return `at the stage ${stage}, of the grant ${grant}, ${how} [${seq}]`;
}

function answered({ decision, person, actor, time, planHash, seq }: Answer): string {
  const who = person === null ? actor : `${person} as ${actor}`;
  const plan = planHash === null ? "" : ` for plan ${planHash}`;
  return `${ANSWERED[decision]} by ${who} at ${instant(time)}${plan} [${seq}]`;
}

const ANSWERED = {
  approve: "approved",
  deny: "denied",
  withdraw: "approval taken back",
  "break-glass": "let go at once, by breaking the glass,",
  lapse: "approval found to count no more",
} as const;

function constraintLines({ constraints }: Omit<Explanation, "text">): readonly string[] {
  const lines: string[] = [];
  for (const { seq, decision, engine, verdicts } of constraints.evaluations) {
    lines.push(`evaluated to ${decision} by engine ${engine} [${seq}]`);
    lines.push(...verdicts.map((verdict) => `  ${verdict.gate}: ${verdict.verdict} (${verdict.code})`));
  }
  for (const { seq, route, step, asks, deadline } of constraints.holds) {
    const where = route === null ? `escalated to step ${step}` : `held on route ${route}`;
    lines.push(`${where} for ${asks} until ${instant(deadline)} [${seq}]`);
  }
  lines.push(...windowLines(constraints));
  lines.push(
    ...constraints.limits.map(({ counter, max, windowMs }) => `took from ${counter}: ${max} in ${windowMs} ms`),
  );
  if (constraints.planHash !== null) lines.push(`may run plan ${constraints.planHash} and no other`);
  if (constraints.grantExpiresAt !== null) lines.push(`its grant ends at ${instant(constraints.grantExpiresAt)}`);
  if (constraints.dryRun) lines.push("dry run: recorded, with no effect");
  lines.push(...riskLines(constraints), `repeat: ${constraints.repeat}`);
  if (constraints.stoppedBy !== null) lines.push(`stopped: ${constraints.stoppedBy}`);
  return lines;
}

/** What its plan was found to put at risk, and what takes it back. */
function riskLines(constraints: Explanation["constraints"]): readonly string[] {
  const { findings, inverse, reversible } = constraints;
  const found = findings === null ? [] : [`found in its plan: ${findingsText(findings)}`];
  if (inverse === null) return [...found, reversible ? "declared reversible" : "nothing takes it back"];
  const back = `taken back by ${inverse.kind}, as its plan says (inverse ${inverse.hash})`;
  return [...found, back, undoneWhen(constraints)];
}

/** Policy says with the grant whether that runs by itself. */
function undoneWhen({ grantExpiresAt, revertGrant }: Explanation["constraints"]): string {
  if (revertGrant !== null)
    return `where its checks fail that runs by itself, under the grant ${revertGrant}: nobody is asked again`;
  return grantExpiresAt === null
    ? "where a verification takes it back that runs by itself: nobody is asked again"
    : "that does not run by itself: a person may ask for it";
}

function windowLines({ window, waits }: Explanation["constraints"]): readonly string[] {
  const from = window?.notBefore === undefined ? "" : `from ${instant(window.notBefore)} `;
  const asked = window === null ? [] : [`may begin ${from}until ${instant(window.notAfter)}, as its proposal says`];
  const waited = waits.map(({ seq, time, code, until, behind, because }) => {
    const outside = `for what has to come from outside${because === null ? "" : ` (${because})`}`;
    const what =
      code === "window" ? "for its window" : code === "outside" ? outside : `for ${behind.join(", ")} to end`;
    return `waited from ${instant(time)} ${what}, at the latest until ${instant(until)} [${seq}]`;
  });
  return [...asked, ...waited];
}

function triageLines(triage: Explanation["triage"]): readonly string[] {
  if (triage === null) return [];
  const { run, signal, seq, classifier, classification, code, problems } = triage;
  const said =
    classification === null
      ? `not classified: ${[code, ...problems].join(", ")}`
      : `classified as ${classification.severity} at confidence ${classification.confidencePpm / 1_000_000}`;
  return [
    `${signal === null ? "" : `signal ${signal} in `}run ${run} ${said} [${seq}]`,
    classifier === null ? "nobody answered" : `answered by ${classifierText(classifier)}`,
  ];
}

function classifierText(classifier: ClassifierView): string {
  const { provider, model, modelVersion, promptHash, answerHash, inputTokens, outputTokens } = classifier;
  const tokens = inputTokens === undefined ? "" : `, ${inputTokens} tokens in, ${outputTokens} out`;
  return `${provider}/${model} ${modelVersion}, prompt ${promptHash}, answer ${answerHash}${tokens}`;
}

function pathLines({ path }: Omit<Explanation, "text">): readonly string[] {
  return path.map(({ seq, time, type, actor, command, by, facts }) => {
    const shown = Object.entries(facts).map(([name, value]) => `${name}=${value}`);
    const cause = by === null ? `from command ${command}` : `command ${by}`;
    return [`[${seq}]`, instant(time), type, `by ${actor}`, `(${cause})`, ...shown].join(" ");
  });
}
