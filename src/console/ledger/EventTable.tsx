// Events of the ledger in a table, each a link to its own page.

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { JsonRecord, LedgerEvent } from "../api/documents.ts";
import { EventDot } from "../ui/EventDot.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Clock } from "../ui/Instant.tsx";

export function EventTable({
  events,
  isLive = false,
}: {
  readonly events: readonly LedgerEvent[];
  readonly isLive?: boolean;
}): ReactNode {
  return (
    <div className="overflow-x-auto rounded-lg border border-line bg-surface">
      <table className="w-full text-left">
        <thead className="text-2xs text-faint">
          <tr>
            <th scope="col" className="py-2 pr-3 pl-4 font-medium">
              Seq
            </th>
            <th scope="col" className="px-3 py-2 font-medium">
              Time (UTC)
            </th>
            <th scope="col" className="px-3 py-2 font-medium">
              Event
            </th>
            <th scope="col" className="px-3 py-2 font-medium">
              Subject
            </th>
            <th scope="col" className="px-3 py-2 font-medium max-lg:hidden">
              About
            </th>
            <th scope="col" className="px-3 py-2 font-medium max-md:hidden">
              By
            </th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <EventRow key={event.seq} event={event} isLive={isLive} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function EventRow({ event, isLive }: { readonly event: LedgerEvent; readonly isLive: boolean }): ReactNode {
  return (
    <tr className={`border-t border-line hover:bg-sunken ${isLive ? "arriving" : ""}`}>
      <td className="py-1 pr-3 pl-4 font-mono text-xs">
        <Link to="/ledger/$seq" params={{ seq: String(event.seq) }} className="text-accent hover:underline">
          {event.seq}
        </Link>
      </td>
      <td className="px-3 py-1 text-muted">
        <Clock ms={event.time} />
      </td>
      <td className="px-3 py-1 font-medium whitespace-nowrap">
        <span className="flex items-center gap-2">
          <EventDot type={event.type} />
          {event.type}
        </span>
      </td>
      <td className="px-3 py-1 font-mono text-xs">
        <SubjectLink subject={event.subject} />
      </td>
      <td className="max-w-72 px-3 py-1 text-xs text-muted max-lg:hidden">
        <Foreign text={aboutText(event.facts)} />
      </td>
      <td className="max-w-56 px-3 py-1 text-xs text-muted max-md:hidden">
        <Foreign text={event.actor} />
      </td>
    </tr>
  );
}

export function SubjectLink({ subject }: { readonly subject: string }): ReactNode {
  if (subject.startsWith("act_")) {
    return (
      <Link to="/actions/$id" params={{ id: subject }} className="hover:underline">
        {subject}
      </Link>
    );
  }
  return (
    <Link to="/ledger" search={{ subject }} className="hover:underline">
      <Foreign text={subject} />
    </Link>
  );
}

const TOLD = ["kind", "environment", "service", "route", "decision", "status", "code", "mode", "stage", "level"];

/** The facts that tell events of one type apart, in few words. */
function aboutText(facts: JsonRecord): string {
  const words = TOLD.map((name) => facts[name]).filter(
    (value) => typeof value === "string" || typeof value === "number",
  );
  return words.join(" · ");
}
