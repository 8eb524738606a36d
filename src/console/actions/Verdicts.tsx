// Every verdict of a decision; the most restrictive one won.

import type { ReactNode } from "react";
import type { EvaluationView } from "../../wire/types/views.ts";
import type { Verdict } from "../../wire/types/verdict.ts";
import { verdictWords } from "../text/verdict-words.ts";
import { WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Panel } from "../ui/Panel.tsx";

const ORDER = ["refuse", "hold", "pass"];

export function Verdicts({ evaluation }: { readonly evaluation: EvaluationView | null }): ReactNode {
  if (evaluation === null) {
    return (
      <Panel title="Decision">
        <p className="text-muted">It is not decided yet.</p>
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
  const pairs = Object.entries(evidence).map(([name, value]) => `${name} ${String(value)}`);
  return pairs.length === 0 ? "—" : pairs.join(" · ");
}
