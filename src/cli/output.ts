// Data to standard output in the form asked for; messages to standard error.

import { Option } from "commander";
import type { Json } from "../core/json.ts";
import type { Fields } from "./fields.ts";
import type { CliHost } from "./host.ts";
import type { Resource } from "./resources.ts";
import { escapeLines, safeJson, safeYaml } from "./safe-text.ts";
import { renderTable } from "./table.ts";

export const OUTPUT_FORMATS = ["table", "wide", "json", "yaml", "name"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export function outputOption(formats: readonly OutputFormat[] = OUTPUT_FORMATS): Option {
  return new Option("-o, --output <format>", "how to print").choices(formats).default(formats[0]);
}

export class Output {
  readonly #host: Pick<CliHost, "stdout" | "stderr" | "clock">;
  readonly #isQuiet: boolean;

  constructor(host: Pick<CliHost, "stdout" | "stderr" | "clock">, isQuiet: boolean) {
    this.#host = host;
    this.#isQuiet = isQuiet;
  }

  /** Text that is escaped already. */
  print(text: string): void {
    this.#host.stdout.write(text);
  }

  printJson(value: Json): void {
    this.print(`${safeJson(value)}\n`);
  }

  /** JSON in one line. */
  printLine(value: Json): void {
    this.print(`${safeJson(value, 0)}\n`);
  }

  printYaml(value: Json): void {
    this.print(safeYaml(value));
  }

  /** For people, on standard error, one line; not with --quiet. */
  note(message: string): void {
    if (!this.#isQuiet) this.#host.stderr.write(`${escapeLines(message)}\n`);
  }

  /** As `note`, whether quiet or not. */
  warn(message: string): void {
    this.#host.stderr.write(`${escapeLines(message)}\n`);
  }

  /** A value as JSON or YAML; for `name` and tables see `printRows`. */
  printValue(value: Json, format: OutputFormat): void {
    if (format === "yaml") this.printYaml(value);
    else this.printJson(value);
  }

  /** What came of a command: as a value, or as a line that is escaped already. */
  printResult(result: Fields, line: string, format: OutputFormat): void {
    if (format === "json" || format === "yaml") this.printValue(result.value, format);
    else this.print(line);
  }

  printRows(resource: Resource, rows: readonly Fields[], options: { format: OutputFormat; heading?: boolean }): void {
    const nowMs = this.#host.clock.nowMs();
    const { columns, wide } = resource;
    if (options.format === "name") {
      for (const row of rows) this.print(`${resource.singular}/${row.text(resource.id)}\n`);
      return;
    }
    const shown = options.format === "wide" ? [...columns, ...wide] : columns;
    this.print(
      renderTable(
        shown,
        rows.map((fields) => ({ fields, nowMs })),
        options.heading ?? true,
      ),
    );
  }
}
