// `kill report`: what a brake found, what became of each step in flight, and how soon.

import { apiPath } from "../api-client.ts";
import { CliError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields, NONE } from "../fields.ts";
import { formatInstant } from "../instants.ts";
import { pairLines } from "../paragraphs.ts";
import type { OutputFormat } from "../output.ts";
import { pause, type Session } from "../session.ts";
import { renderTable } from "../table.ts";
import { checkWatched } from "../watch-action.ts";

const REPORTS = ["v1", "killswitch", "reports"] as const;

type Flags = { readonly output: OutputFormat; readonly watch?: true };

export async function report(session: Session, brake: string | undefined, flags: Flags): Promise<ExitCode> {
  const { api, output } = session;
  if (flags.watch) checkWatched(flags.output);
  const id = brake ?? (await newest(session));
  if (flags.watch) return watchReport(session, id, flags.output);
  const found = await api.document(apiPath(...REPORTS, id));
  if (flags.output === "table") output.print(reportText(found));
  else output.printValue(found.value, flags.output);
  return EXIT.ok;
}

const INTERVAL_MS = 1_000;

/** Printed anew with each change, until all of what it found has ended. */
export async function watchReport({ api, host, output }: Session, id: string, format: OutputFormat): Promise<ExitCode> {
  for (let before = ""; ;) {
    const found = await api.document(apiPath(...REPORTS, id));
    const now = reportText(found);
    if (now !== before && format === "json") output.printLine(found.value);
    else if (now !== before) output.print(now);
    before = now;
    if (found.isTrue("complete") || !(await pause(INTERVAL_MS, host.interrupted))) return EXIT.ok;
  }
}

async function newest({ api }: Session): Promise<string> {
  const { body } = await api.call({ method: "GET", path: apiPath(...REPORTS), query: { limit: "1" } });
  const [first] = new Fields(body).list("items");
  if (first === undefined) throw new CliError("no brake was ever applied");
  return first.exact("id");
}

function reportText(found: Fields): string {
  const summary = found.fields("report");
  const lines = pairLines([
    ["Brake", `${found.text("id")}, ${found.text("mode")}`],
    ["Scope", found.fields("scope")?.pairs() || "everything"],
    ["Applied", `${formatInstant(found.number("appliedAt"))} by ${found.text("appliedBy")}`],
    ["Released", found.has("releasedAt") ? formatInstant(found.number("releasedAt")) : NONE],
    ["Found", found.fields("found")?.pairs() ?? NONE],
    [
      "Became",
      summary === null ? "not summed up yet" : `${summary.fields("ends")?.pairs() ?? ""} open=${summary.text("open")}`,
    ],
    ["Propagation", propagation(found)],
  ]);
  const items = found.list("items");
  return items.length === 0 ? lines : `${lines}\n${table(items)}`;
}

function propagation(found: Fields): string {
  const ms = found.number("propagationMs");
  if (ms === null) return found.text("mode") === "pause" ? "not known: some of it has not ended" : NONE;
  return `${ms} ms from the brake to the last call that ended`;
}

function table(items: readonly Fields[]): string {
  const after = (row: Fields): string => (row.number("afterMs") === null ? NONE : `${row.text("afterMs")} ms`);
  return renderTable(
    [
      { heading: "ID", cell: (row: Fields) => row.text("id") },
      { heading: "WAS", cell: (row) => row.text("was") },
      { heading: "END", cell: (row) => (row.exact("was") === "waiting" ? "not begun" : row.text("end")) },
      { heading: "AFTER", cell: after },
      { heading: "NOW", cell: (row) => row.text("status") },
      { heading: "KIND", cell: (row) => row.text("kind") },
      { heading: "SERVICE", cell: (row) => row.text("service") },
      { heading: "AGENT", cell: (row) => row.text("agent") },
    ],
    items,
  );
}
