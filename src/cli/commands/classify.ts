// `classify --replay`: another classifier is asked about recorded signals, and what it says is compared with the record.

import { type Command } from "commander";
import { checkClassification } from "../../signals/check-classification.ts";
import { NoClassification, type Classifier, type ClassifierIdentity } from "../../wire/contracts/classifier.ts";
import type { RecordedClassification } from "../../wire/schemas/recorded-signal.ts";
import { SEVERITIES, type Classification, type Severity } from "../../wire/types/classification.ts";
import { CliError, usageError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import { pairLines, section } from "../paragraphs.ts";
import { runsOfExport, runsOfServer, type RecordedRun } from "../recorded-runs.ts";
import { escapeLine } from "../safe-text.ts";
import type { Runner, Session } from "../session.ts";
import { renderTable } from "../table.ts";

const LIMIT_MAX = 10_000;
const DIFFERENCES_SHOWN = 50;

type ClassifyFlags = {
  readonly replay?: true;
  readonly with?: string;
  readonly export?: string;
  readonly limit: string;
  readonly output: OutputFormat;
};

export function addClassify(program: Command, runner: Runner): void {
  program
    .command("classify")
    .description("Ask another configured classifier about recorded signals, and compare; nothing is done or recorded")
    .option("--replay", "recorded signals are what it is asked about (there is nothing else yet)")
    .option("--with <name>", "a model of classifier.chain or classifier.candidates, or rules")
    .option("--export <file>", "read an export with payloads instead of the server")
    .option("--limit <count>", "runs at most", "100")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(classify));
}

async function classify(session: Session, flags: ClassifyFlags): Promise<ExitCode> {
  const { host, output } = session;
  if (flags.replay !== true) throw usageError("say what is to be classified: --replay");
  if (flags.with === undefined) throw usageError("name the classifier: --with NAME");
  const limit = /^[1-9]\d{0,4}$/.test(flags.limit) ? Number(flags.limit) : Infinity;
  if (limit > LIMIT_MAX) throw usageError(`--limit is a number from 1 to ${LIMIT_MAX}`);
  const { classifier, teams } = host.openClassifier(flags.with);
  const comparison = new Comparison(classifier.identity);
  const runs = flags.export === undefined ? runsOfServer(session, limit) : runsOfExport(flags.export, limit);
  for await (const recorded of runs) {
    if (host.interrupted.aborted) throw new CliError("interrupted");
    comparison.add(recorded, await askAgain(classifier, recorded, { teams, stop: host.interrupted }));
  }
  const report = comparison.report();
  if (flags.output === "table") printReport(session, report);
  else output.printValue(report, flags.output);
  return EXIT.ok;
}

/** What was said now: a classification that passed the check, or the code of why there is none. */
type Now =
  | { readonly classification: Classification; readonly inputTokens: number; readonly outputTokens: number }
  | { readonly code: string };

async function askAgain(
  classifier: Classifier,
  { content }: RecordedRun,
  { teams, stop }: { teams: readonly string[]; stop: AbortSignal },
): Promise<Now> {
  if (content === null) return { code: "payload-erased" };
  try {
    const { answer, usage } = await classifier.classify([content], stop);
    const checked = checkClassification(answer, { teams });
    if (!checked.ok) return { code: "answer-rejected" };
    const { inputTokens, outputTokens } = usage ?? { inputTokens: 0, outputTokens: 0 };
    return { classification: checked.classification, inputTokens, outputTokens };
  } catch (error) {
    if (error instanceof NoClassification) return { code: error.passedOver[0]?.code ?? "failed" };
    throw error;
  }
}

/** A classification as both sides of a comparison write it. */
type Said = {
  readonly severity: Severity;
  readonly confidence: number;
  readonly ticket: boolean;
  readonly page: boolean;
  readonly mim: boolean;
  readonly team: string;
};

type Difference = {
  readonly run: string;
  readonly signal: string;
  readonly title: string;
  readonly recorded: Said;
  readonly now: Said;
};

type Report = {
  readonly classifier: { readonly provider: string; readonly model: string; readonly promptHash: string };
  readonly runs: number;
  readonly compared: number;
  /** Compared runs with the same severity, and their share; null when none was compared. */
  readonly agreed: number;
  readonly agreement: number | null;
  /** How often each severity on record got which severity now. */
  readonly bySeverity: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly notCompared: Readonly<Record<string, number>>;
  readonly tokens: { readonly input: number; readonly output: number };
  /** Runs that differ in severity, in what is asked for, or in the team. */
  readonly differences: readonly Difference[];
};

class Comparison {
  readonly #identity: ClassifierIdentity;
  readonly #matrix = new Map<Severity, Map<Severity, number>>(
    SEVERITIES.map((severity) => [severity, new Map(SEVERITIES.map((now) => [now, 0]))]),
  );
  readonly #notCompared: Record<string, number> = {};
  readonly #differences: Difference[] = [];
  readonly #tokens = { input: 0, output: 0 };
  #runs = 0;

  constructor(identity: ClassifierIdentity) {
    this.#identity = identity;
  }

  add({ run, signal, content, classification }: RecordedRun, answer: Now): void {
    this.#runs++;
    if ("code" in answer) {
      this.#notCompared[answer.code] = (this.#notCompared[answer.code] ?? 0) + 1;
      return;
    }
    this.#tokens.input += answer.inputTokens;
    this.#tokens.output += answer.outputTokens;
    const [recorded, now] = [saidThen(classification), saidNow(answer.classification)];
    const row = this.#matrix.get(recorded.severity);
    row?.set(now.severity, (row.get(now.severity) ?? 0) + 1);
    if (isSame(recorded, now)) return;
    this.#differences.push({ run, signal, title: content?.title ?? "", recorded, now });
  }

  report(): Report {
    const { provider, model, promptHash } = this.#identity;
    const cells = [...this.#matrix].flatMap(([was, row]) => [...row].map(([now, count]) => ({ was, now, count })));
    const compared = cells.reduce((sum, { count }) => sum + count, 0);
    const agreed = cells.reduce((sum, { was, now, count }) => (was === now ? sum + count : sum), 0);
    return {
      classifier: { provider, model, promptHash },
      runs: this.#runs,
      compared,
      agreed,
      agreement: compared === 0 ? null : agreed / compared,
      bySeverity: Object.fromEntries([...this.#matrix].map(([was, row]) => [was, Object.fromEntries(row)])),
      notCompared: this.#notCompared,
      tokens: this.#tokens,
      differences: this.#differences,
    };
  }
}

function saidThen(of: RecordedClassification): Said {
  const { severity, confidencePpm, requiresTicket: ticket, requiresPaging: page, requiresMim: mim, team } = of;
  return { severity, confidence: confidencePpm / 1_000_000, ticket, page, mim, team };
}

function saidNow(of: Classification): Said {
  const { classification: severity, confidence, recommended_team: team } = of;
  return { severity, confidence, ticket: of.requires_ticket, page: of.requires_paging, mim: of.requires_mim, team };
}

/** Confidence aside: two classifiers hardly ever give the same. */
function isSame(a: Said, b: Said): boolean {
  return (
    a.severity === b.severity && a.ticket === b.ticket && a.page === b.page && a.mim === b.mim && a.team === b.team
  );
}

function printReport({ output }: Session, report: Report): void {
  const { classifier, runs, compared, agreed, agreement, notCompared, differences, tokens } = report;
  const share = agreement === null ? "" : ` (${Math.floor(agreement * 100)} %)`;
  const left = Object.entries(notCompared).map(([code, count]) => `${count} ${code}`);
  output.print(
    pairLines([
      ["Classifier", escapeLine(`${classifier.provider}/${classifier.model}`)],
      ["Runs", `${runs}, ${compared} compared`],
      ["Same severity", `${agreed}${share}`],
      ["Not compared", left.length === 0 ? null : left.join(", ")],
      ["Tokens", tokens.input + tokens.output === 0 ? null : `${tokens.input} in, ${tokens.output} out`],
    ]),
  );
  if (compared > 0) output.print(section("Recorded (down) and now (across)", renderMatrix(report)));
  if (differences.length === 0) return;
  output.print(section("Differences", renderDifferences(differences.slice(0, DIFFERENCES_SHOWN))));
  if (differences.length > DIFFERENCES_SHOWN) {
    output.print(`  … and ${differences.length - DIFFERENCES_SHOWN} more: -o json lists all\n`);
  }
}

function renderMatrix({ bySeverity }: Report): string {
  const columns = SEVERITIES.map((now) => ({
    heading: now,
    cell: (was: Severity) => String(bySeverity[was]?.[now] ?? 0),
  }));
  return renderTable([{ heading: "", cell: (was: Severity) => was }, ...columns], SEVERITIES);
}

function renderDifferences(differences: readonly Difference[]): string {
  return renderTable(
    [
      { heading: "RUN", cell: ({ run }: Difference) => escapeLine(run) },
      { heading: "RECORDED", cell: ({ recorded }) => inWords(recorded) },
      { heading: "NOW", cell: ({ now }) => inWords(now) },
      { heading: "TITLE", cell: ({ title }) => escapeLine(title).slice(0, 60) },
    ],
    differences,
  );
}

function inWords({ severity, confidence, ticket, page, mim, team }: Said): string {
  const wants = [ticket ? "ticket" : "", page ? "page" : "", mim ? "mim" : ""].filter((want) => want !== "");
  return escapeLine([severity, String(confidence), ...wants, team].join(" "));
}
