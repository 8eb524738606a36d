// Filters of a list, kept in the address: one field for `name:value` words, each shown as a chip that can be taken off.

import { useNavigate } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { plainText } from "../text/visible-text.ts";

type Props = {
  readonly from: "/holds" | "/actions" | "/ledger";
  readonly names: readonly string[];
  readonly values: Readonly<Record<string, string | undefined>>;
};

export function FilterBar({ from, names, values }: Props): ReactNode {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const change = (next: Readonly<Record<string, string | undefined>>): void => {
    const kept = Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined && value !== ""));
    void navigate({ to: from, search: kept });
  };
  const add = (event: { preventDefault: () => void }): void => {
    event.preventDefault();
    const { filters, unknown } = parseFilters(text, names);
    setProblem(unknown === null ? "" : `${unknown}: use ${names.map((name) => `${name}:…`).join(" ")}`);
    if (unknown !== null) return;
    change({ ...values, ...filters });
    setText("");
  };
  return (
    <form data-filter onSubmit={add} className="flex min-w-0 flex-1 flex-wrap items-center justify-end gap-1.5">
      {Object.entries(values).map(([name, value]) =>
        value === undefined ? null : (
          <button
            key={name}
            type="button"
            onClick={() => change({ ...values, [name]: undefined })}
            className="inline-flex h-6 items-center gap-1 rounded bg-accent-soft px-1.5 text-xs text-accent"
            aria-label={`Remove the filter ${name} ${plainText(value)}`}
          >
            {name}: {plainText(value)} <span aria-hidden="true">×</span>
          </button>
        ),
      )}
      <input
        aria-label={`Filter by ${names.join(", ")}`}
        aria-invalid={problem !== ""}
        value={text}
        onChange={(event) => setText(event.target.value)}
        placeholder={`${names[0] ?? ""}:…`}
        className="h-7 w-36 rounded-md border border-line bg-canvas px-2 text-xs text-ink placeholder:text-faint"
        spellCheck={false}
        autoComplete="off"
      />
      {problem !== "" && (
        <p role="alert" className="basis-full text-right text-xs text-bad">
          {plainText(problem)}
        </p>
      )}
    </form>
  );
}

type Parsed = { readonly filters: Readonly<Record<string, string>>; readonly unknown: string | null };

/** `environment:production kind:record.note`; a word without a name is of the first. */
function parseFilters(text: string, names: readonly string[]): Parsed {
  const filters: Record<string, string> = {};
  for (const word of text.trim().split(/\s+/)) {
    if (word === "") continue;
    const colon = word.indexOf(":");
    const name = colon < 0 ? names[0] : word.slice(0, colon);
    if (name === undefined || !names.includes(name)) return { filters: {}, unknown: word };
    filters[name] = word.slice(colon + 1);
  }
  return { filters, unknown: null };
}
