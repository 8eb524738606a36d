// Tables as kubectl prints them: upper-case headings, columns padded to their widest cell, three blanks between.

export type Column<T> = { readonly heading: string; readonly cell: (row: T) => string };

/** Cells are escaped already. No trailing blanks. */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[], heading = true): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const lines = heading ? [columns.map((column) => column.heading), ...cells] : cells;
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => widthOf(line[i] ?? ""))));
  return lines
    .map((line) => `${line.map((cell, i) => pad(cell, widths[i] ?? 0)).join("   ")}`.trimEnd() + "\n")
    .join("");
}

function pad(cell: string, width: number): string {
  return cell + " ".repeat(width - widthOf(cell));
}

function widthOf(text: string): number {
  return [...text].length;
}
