// Text that agents and others supplied: always text, its hidden characters named, in a box that it cannot leave.

import type { ReactNode } from "react";
import { visibleText } from "../text/visible-text.ts";

function segmentsOf(text: string, lines: boolean): ReactNode {
  return visibleText(text, { lines }).map((segment, i) =>
    segment.isUnseen ? (
      <mark
        key={i}
        className="mx-px rounded-sm bg-warn-soft px-0.5 font-mono text-2xs text-warn"
        title="A character that cannot be seen"
      >
        {segment.text}
      </mark>
    ) : (
      segment.text
    ),
  );
}

/** On one line, as part of others. */
export function Foreign({ text, mono = false }: { readonly text: string; readonly mono?: boolean }): ReactNode {
  return <bdi className={`foreign ${mono ? "font-mono text-[0.92em]" : ""}`}>{segmentsOf(text, false)}</bdi>;
}

/** From here on a box of lines scrolls, so that the keyboard must get into it. */
const LONG = { lines: 14, characters: 1_200 };

/** Several lines, as they are. */
export function ForeignLines({ text, mono = false }: { readonly text: string; readonly mono?: boolean }): ReactNode {
  const look = mono ? "font-mono text-xs leading-5" : "";
  const isLong = text.length > LONG.characters || text.split("\n", LONG.lines + 1).length > LONG.lines;
  return (
    <div
      {...(isLong ? { tabIndex: 0, role: "group", "aria-label": "Text that scrolls" } : {})}
      className={`foreign max-h-96 overflow-y-auto whitespace-pre-wrap ${look}`}
    >
      {segmentsOf(text, true)}
    </div>
  );
}
