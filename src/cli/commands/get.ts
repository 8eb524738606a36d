// `get`: lists and single documents, as tables, names, JSON or YAML, once or watched.

import { type Command, Option } from "commander";
import { apiPath } from "../api-client.ts";
import { CliError, usageError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Fields } from "../fields.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import { findNamed, RESOURCES, rowsOf, type Resource } from "../resources.ts";
import { pause, type Runner, type Session } from "../session.ts";

const WATCH_INTERVAL_MS = 2_000;
const FILTERS = [...new Set(RESOURCES.flatMap(({ filters }) => filters))];

type GetFlags = Readonly<Record<string, string | undefined>> & {
  readonly output: OutputFormat;
  readonly limit?: string;
  readonly cursor?: string;
  readonly watch?: true;
};

export function addGet(program: Command, runner: Runner): void {
  const command = program
    .command("get")
    .description("List what there is of one sort, or read one of them")
    .argument(
      "<resource>",
      RESOURCES.map(({ plural, short }) => (short === plural ? plural : `${plural} (${short})`)).join(", "),
    )
    .argument("[id]", "one of them alone")
    .addOption(outputOption());
  for (const name of FILTERS) command.addOption(new Option(`--${name} <value>`, `only with this ${name}`));
  command
    .option("--limit <count>", "rows of a page")
    .option("--cursor <cursor>", "the page after the one that named this cursor")
    .option("-w, --watch", "print what changes until interrupted")
    .action(runner.action(get));
}

async function get(session: Session, name: string, given: string | undefined, flags: GetFlags): Promise<ExitCode> {
  const { resource, id } = findNamed(name, given);
  const query = queryOf(resource, flags);
  if (flags.watch) return watch(session, { resource, id, query, flags });
  if (id !== undefined) {
    const document = await readOne(session, resource, id);
    if (flags.output === "json" || flags.output === "yaml") session.output.printValue(document.value, flags.output);
    else session.output.printRows(resource, [document], { format: flags.output });
    return EXIT.ok;
  }
  printPage(session, { resource, page: await session.api.document(apiPath("v1", ...resource.path), query), flags });
  return EXIT.ok;
}

function printPage(session: Session, of: { resource: Resource; page: Fields; flags: GetFlags }): void {
  const { resource, page, flags } = of;
  if (flags.output === "json" || flags.output === "yaml") {
    session.output.printValue(page.value, flags.output);
    return;
  }
  const rows = rowsOf(resource, page);
  if (rows.length > 0) session.output.printRows(resource, rows, { format: flags.output });
  else session.output.note(`no ${resource.plural}`);
  if (page.has(resource.page.next)) session.output.note(`more: add --cursor ${page.text(resource.page.next)}`);
}

function queryOf(resource: Resource, flags: GetFlags): Record<string, string | undefined> {
  const refused = FILTERS.find((name) => flags[name] !== undefined && !resource.filters.includes(name));
  if (refused !== undefined) throw usageError(`${resource.plural} cannot be filtered by ${refused}`);
  const query: Record<string, string | undefined> = { limit: flags.limit };
  // Events are read in order from a sequence; the others page by an opaque cursor.
  query[resource.id === "seq" ? "from" : "cursor"] = flags.cursor;
  for (const name of resource.filters) query[name] = flags[name];
  return WHOLE.has(resource.plural) ? {} : query;
}

/** Lists that the server gives whole, and nothing of them alone. */
const WHOLE: ReadonlySet<string> = new Set(["policies", "kinds"]);

/** One document by its id, or how that begins; kinds, policies and events have no path of their own. */
export async function readOne({ api }: Session, resource: Resource, id: string): Promise<Fields> {
  if (resource.id === "seq") {
    if (!/^(0|[1-9][0-9]{0,15})$/.test(id)) throw usageError("an event is named by its sequence number");
    const page = await api.document(apiPath("v1", ...resource.path), { from: id, limit: "1" });
    return found(
      rowsOf(resource, page).find((row) => row.number("seq") === Number(id)),
      resource,
      id,
    );
  }
  if (WHOLE.has(resource.plural)) {
    const page = await api.document(apiPath("v1", ...resource.path));
    return found(
      rowsOf(resource, page).find((row) => row.exact(resource.id).startsWith(id)),
      resource,
      id,
    );
  }
  return api.document(apiPath("v1", ...resource.path, id));
}

function found(row: Fields | undefined, resource: Resource, id: string): Fields {
  if (row !== undefined) return row;
  throw new CliError(`there is no ${resource.singular} ${id}`, { hint: `holdpoint get ${resource.plural}` });
}

type Watched = {
  resource: Resource;
  id: string | undefined;
  query: Record<string, string | undefined>;
  flags: GetFlags;
};

/** Prints rows when they are new or have changed; one JSON document a line, so that the output can be piped. */
async function watch(session: Session, { resource, id, query, flags }: Watched): Promise<ExitCode> {
  const { api, output, host } = session;
  const format = flags.output === "json" || flags.output === "yaml" ? "json" : flags.output;
  if (flags.output === "yaml") throw usageError("--watch prints table, wide, name or json");
  let before: ReadonlyMap<string, string> = new Map();
  for (let isFirst = true; ; isFirst = false) {
    const rows =
      id === undefined
        ? rowsOf(resource, await api.document(apiPath("v1", ...resource.path), query))
        : [await readOne(session, resource, id)];
    const now = new Map(rows.map((row) => [row.text(resource.id), JSON.stringify(row.value)]));
    const changed = rows.filter((row) => before.get(row.text(resource.id)) !== now.get(row.text(resource.id)));
    if (format === "json") for (const row of changed) output.printLine(row.value);
    else if (changed.length > 0) output.printRows(resource, changed, { format, heading: isFirst });
    before = now;
    if (!(await pause(WATCH_INTERVAL_MS, host.interrupted))) return EXIT.ok;
  }
}
