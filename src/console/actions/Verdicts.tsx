// Every verdict of a decision; the most restrictive one won.

import type { ReactNode } from "react";
import type { Verdict } from "../../wire/types/verdict.ts";
import type { ActionDocument } from "../api/documents.ts";
import { utcText } from "../text/instants.ts";
import { verdictWords } from "../text/verdict-words.ts";
import { WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Panel } from "../ui/Panel.tsx";

const ORDER = ["refuse", "hold", "pass"];

export function Verdicts({ action }: { readonly action: ActionDocument }): ReactNode {
  const { evaluation, endedAt, code } = action;
  if (evaluation === null) {
    return (
      <Panel title="Decision">
        <p className="text-muted">
          {endedAt === null
            ? "It is not decided yet."
            : `No policy was asked: it was ${action.status} before${code === null ? "" : ` (${code})`}.`}
        </p>
      </Panel>
    );
  }
  const verdicts = evaluation.verdicts.toSorted((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict));
  return (
    <Panel
      flush
      title="Decision"
      aside={
        <>
          <WordBadge word={evaluation.decision} />
          <span
            className="font-mono text-2xs max-sm:hidden"
            title={`Policy bundle ${evaluation.bundleHash}, engine ${evaluation.engine}`}
          >
            policy {evaluation.bundleHash.slice(0, 12)}
          </span>
        </>
      }
    >
      <table className="w-full text-left">
        <thead className="text-2xs text-faint">
          <tr>
            <th scope="col" className="px-4 py-1.5 font-medium">
              Verdict
            </th>
            <th scope="col" className="px-2 py-1.5 font-medium">
              Why
            </th>
            <th scope="col" className="px-2 py-1.5 font-medium max-sm:hidden">
              Gate
            </th>
            <th scope="col" className="px-4 py-1.5 font-medium">
              Evidence
            </th>
          </tr>
        </thead>
        <tbody>
          {verdicts.map((verdict, i) => (
            <VerdictRow key={i} verdict={verdict} />
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function VerdictRow({ verdict }: { readonly verdict: Verdict }): ReactNode {
  return (
    <tr className="border-t border-line align-top">
      <td className="px-4 py-1.5">
        <WordBadge word={verdict.verdict} />
      </td>
      <td className="px-2 py-1.5 font-medium">
        {verdictWords(verdict.code) ?? verdict.code}
        {verdictWords(verdict.code) !== null && (
          <span className="block font-mono text-2xs font-normal text-faint">{verdict.code}</span>
        )}
      </td>
      <td className="px-2 py-1.5 font-mono text-xs text-muted max-sm:hidden">
        <Foreign text={verdict.gate} />
      </td>
      <td className="px-4 py-1.5 font-mono text-2xs leading-5 text-muted">
        <Foreign text={evidenceText(verdict)} />
      </td>
    </tr>
  );
}

function evidenceText({ evidence }: Verdict): string {
  const pairs = Object.entries(evidence).map(([name, value]) => `${name} ${valueText(name, value)}`);
  return pairs.length === 0 ? "—" : pairs.join(" · ");
}

function valueText(name: string, value: Verdict["evidence"][string]): string {
  return typeof value === "number" && /^[a-z]+At$/.test(name) ? utcText(value) : String(value);
}
