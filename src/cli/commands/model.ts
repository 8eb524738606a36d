// `model`: the runtime model as of any time, declared by files.

import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { Command } from "commander";
import { apiPath } from "../api-client.ts";
import { CliError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { formatInstant } from "../instants.ts";
import { readModelFile } from "../model-file.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import type { Runner, Session } from "../session.ts";
import { addModelCalibration } from "./model-calibration.ts";
import { addModelCauses } from "./model-causes.ts";
import { addModelChange } from "./model-change.ts";
import { addModelPredict } from "./model-predict.ts";
import { renderTable } from "../table.ts";

const FILE_BYTES_MAX = 4 * 1024 * 1024;

export function addModel(program: Command, runner: Runner): void {
  const model = program.command("model").description("The runtime model: what production is, as of any time");
  const at = ["--at <instant>", "what was true then (default: now)"] as const;
  const knownAt = ["--known-at <instant>", "as it was known then (default: now)"] as const;
  const environment = ["-e, --environment <name>", "this environment alone"] as const;
  const output = (): ReturnType<typeof outputOption> => outputOption(["table", "json", "yaml"]);
  model
    .command("get")
    .description("List nodes, or show one with the edges at it and its history")
    .argument("[node]", "kind:environment:name, as listed")
    .option(...at)
    .option(...knownAt)
    .option(...environment)
    .option("--kind <kinds>", "of these kinds alone, separated by commas")
    .option("--around <node>", "only what is near this node")
    .option("--depth <edges>", "how near, with --around (default: 1)")
    .addOption(output())
    .action(runner.action(get));
  model
    .command("diff")
    .description("What appeared, ended or changed between two moments")
    .argument("<from>", "an instant, RFC 3339")
    .argument("[to]", "an instant (default: now)")
    .option(...knownAt)
    .option(...environment)
    .addOption(output())
    .action(runner.action(diff));
  model
    .command("apply")
    .description("Declare what a file says: YAML, or a Backstage catalog. What it said before and does not now, ends")
    .argument("<file>")
    .option("--feed <name>", "whose words these are (default: as the file says, or its name)")
    .option(...environment)
    .action(runner.action(apply));
  addModelChange(model, runner);
  addModelPredict(model, runner);
  addModelCalibration(model, runner);
  addModelCauses(model, runner);
}

type Times = { readonly at?: string; readonly knownAt?: string };
type GetFlags = Times & {
  readonly environment?: string;
  readonly kind?: string;
  readonly around?: string;
  readonly depth?: string;
  readonly output: OutputFormat;
};

async function get(session: Session, node: string | undefined, flags: GetFlags): Promise<ExitCode> {
  if (node !== undefined) return getNode(session, node, flags);
  const { api, output } = session;
  const { at, knownAt, environment, kind, around, depth } = flags;
  const filter = { environment, kind, around, depth };
  const nodes: Fields[] = [];
  const edges: Fields[] = [];
  let cursor: string | undefined;
  do {
    const times = cursor === undefined ? { at, knownAt } : { cursor };
    const page = new Fields((await api.call({ path: apiPath("v1", "model"), query: { ...filter, ...times } })).body);
    nodes.push(...page.list("nodes"));
    edges.push(...page.list("edges"));
    cursor = page.exact("cursor") || undefined;
  } while (cursor !== undefined);
  if (flags.output !== "table") {
    output.printValue({ nodes: nodes.map((one) => one.value), edges: edges.map((one) => one.value) }, flags.output);
    return EXIT.ok;
  }
  if (nodes.length === 0) output.note("the model has nothing of that");
  else output.print(`${renderTable(NODE_COLUMNS, nodes)}\n${renderTable(EDGE_COLUMNS, edges)}`);
  return EXIT.ok;
}

async function getNode(
  { api, output }: Session,
  node: string,
  { at, knownAt, output: format }: GetFlags,
): Promise<ExitCode> {
  const path = apiPath("v1", "model", "nodes", node);
  const found = new Fields((await api.call({ path, query: { at, knownAt } })).body);
  if (format !== "table") {
    output.printValue(found.value, format);
    return EXIT.ok;
  }
  const now = found.fields("node");
  if (now === null) output.note("it is not there at this moment; this is what was known of it");
  else output.print(`${renderTable(NODE_COLUMNS, [now])}\n`);
  output.print(
    `${renderTable(EDGE_COLUMNS, found.list("edges"))}\n${renderTable(HISTORY_COLUMNS, found.list("history"))}`,
  );
  const changes = found.list("changes");
  if (changes.length > 0) output.print(`\n${renderTable(CHANGE_COLUMNS, changes)}`);
  return EXIT.ok;
}

const observed = (row: Fields, name: string): number | null => row.fields("observed")?.number(name) ?? null;
const percent = (value: number | null): string => (value === null ? "-" : `${(value * 100).toFixed(1)}%`);
const number = (value: number | null): string => (value === null ? "-" : String(Number(value.toPrecision(3))));

const MEASURED_COLUMNS = [
  { heading: "PER SECOND", cell: (row: Fields) => number(observed(row, "perSecond")) },
  { heading: "SHARE", cell: (row: Fields) => number(observed(row, "share")) },
  { heading: "ERRORS", cell: (row: Fields) => percent(observed(row, "errorRatio")) },
  { heading: "P95 MS", cell: (row: Fields) => number(observed(row, "p95Ms")) },
];
const NODE_COLUMNS = [
  { heading: "NODE", cell: (row: Fields) => row.text("id") },
  { heading: "STATE", cell: (row: Fields) => row.text("state") },
  { heading: "SINCE", cell: (row: Fields) => formatInstant(row.number("since")) },
  ...MEASURED_COLUMNS,
];
const edgeText = (row: Fields): string => `${row.text("from")} ${row.text("kind")} ${row.text("to")}`;
const EDGE_COLUMNS = [
  { heading: "EDGE", cell: edgeText },
  { heading: "STATE", cell: (row: Fields) => row.text("state") },
  { heading: "SINCE", cell: (row: Fields) => formatInstant(row.number("since")) },
  ...MEASURED_COLUMNS,
];
const HISTORY_COLUMNS = [
  { heading: "FROM", cell: (row: Fields) => formatInstant(row.number("validFrom")) },
  { heading: "RECORDED", cell: (row: Fields) => formatInstant(row.number("recordedAt")) },
  { heading: "SAYS", cell: (row: Fields) => (row.has("state") ? row.text("state") : `${row.text("facet")} no more`) },
  {
    heading: "OF",
    cell: (row: Fields) => {
      const edge = row.fields("edge");
      return edge === null ? "itself" : edgeText(edge);
    },
  },
  ...MEASURED_COLUMNS,
];
const CHANGE_COLUMNS = [
  { heading: "AT", cell: (row: Fields) => formatInstant(row.number("at")) },
  { heading: "CHANGE", cell: (row: Fields) => `${row.text("kind")} ${row.text("id")}` },
  { heading: "TO", cell: (row: Fields) => row.texts("targets") },
  { heading: "SAID TO HIT", cell: (row: Fields) => shareText(row.fields("impact")?.fields("stated") ?? null) },
  { heading: "DID HIT", cell: (row: Fields) => shareText(row.fields("impact")?.fields("actual") ?? null) },
  { heading: "SETTINGS", cell: settingsText },
];

/** Of all requests from outside, in parts of a million. */
function shareText(part: Fields | null): string {
  if (part === null) return "-";
  const of = (end: string): string => percent((part.number(end) ?? 0) / 1_000_000);
  return `${of("mid")} (${of("low")} to ${of("high")})`;
}

function settingsText(row: Fields): string {
  const settings = row
    .list("settings")
    .map((one) => `${one.text("key")}: ${one.text("before")} → ${one.text("after")}`);
  return settings.length === 0 ? "-" : settings.join("; ");
}

type DiffFlags = { readonly knownAt?: string; readonly environment?: string; readonly output: OutputFormat };

async function diff(
  { api, output }: Session,
  from: string,
  to: string | undefined,
  { knownAt, environment, output: format }: DiffFlags,
): Promise<ExitCode> {
  const query = { from, to, knownAt, environment };
  const found = new Fields((await api.call({ path: apiPath("v1", "model", "diff"), query })).body);
  if (format !== "table") {
    output.printValue(found.value, format);
    return EXIT.ok;
  }
  const rows = [...found.list("nodes"), ...found.list("edges")];
  const columns = [
    { heading: "", cell: (row: Fields) => row.text("difference") },
    { heading: "WHAT", cell: (row: Fields) => (row.has("id") ? row.text("id") : edgeText(row)) },
    { heading: "IN", cell: (row: Fields) => row.texts("what") },
  ];
  if (rows.length === 0) output.note("nothing differs");
  else output.print(renderTable(columns, rows));
  const changes = found.list("changes");
  if (changes.length > 0) output.print(`\n${renderTable(CHANGE_COLUMNS, changes)}`);
  if (found.isTrue("truncated")) output.note("there is more: narrow it with --environment");
  return EXIT.ok;
}

type ApplyFlags = { readonly feed?: string; readonly environment?: string };

async function apply({ api, output }: Session, path: string, flags: ApplyFlags): Promise<ExitCode> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) throw new CliError(`there is no file ${path}`);
  if (stat.size > FILE_BYTES_MAX) throw new CliError(`${path} is too large`);
  const { feed: named, body, skipped } = readModelFile(path, readFileSync(path, "utf8"), flags.environment ?? null);
  const feed = flags.feed ?? named ?? basename(path).replace(/\.ya?ml$/, "");
  for (const one of skipped) output.note(`passed over: ${one}`);
  const answer = new Fields(
    (await api.call({ method: "PUT", path: apiPath("v1", "model", "declared", feed), body })).body,
  );
  const isSame = answer.isTrue("repeated");
  output.print(`${answer.text("feed")} ${isSame ? "is declared already" : "declared"}\n`);
  return EXIT.ok;
}
