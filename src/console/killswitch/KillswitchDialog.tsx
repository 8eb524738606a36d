// The kill switch: what is stopped now, and a stop of anything, with a preview of what it would stop.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef, type ReactNode } from "react";
import type { Session } from "../api/documents.ts";
import { killswitchQuery } from "../api/queries.ts";
import { Badge } from "../ui/Badge.tsx";
import { Modal } from "../ui/Modal.tsx";
import { ErrorNote } from "../ui/Panel.tsx";
import { AppliedBrakes } from "./AppliedBrakes.tsx";
import { StopForm } from "./StopForm.tsx";

type Props = { readonly isOpen: boolean; readonly onClose: () => void; readonly session: Session };

export function KillswitchDialog({ isOpen, onClose, session }: Props): ReactNode {
  const { data, error } = useQuery(killswitchQuery);
  // Not the button that stops: nobody stops everything with one stray key.
  const first = useRef<HTMLSelectElement>(null);
  return (
    <Modal
      wide
      title="Kill switch"
      description="Stopping needs no approval and works at once. Resuming is an action that others approve."
      isOpen={isOpen}
      onClose={onClose}
      firstFocus={first}
    >
      <div className="flex flex-col gap-4">
        {error !== null && <ErrorNote error={error} />}
        {data !== undefined && (
          <p className="flex items-center gap-2">
            Now:{" "}
            <Badge tone={data.mode === "run" ? "ok" : data.mode === "pause" ? "bad" : "warn"}>
              {data.mode === "run" ? "running" : data.mode}
            </Badge>
            {data.mode === "run" && data.brakes.length > 0 && (
              <span className="text-muted">except for these parts</span>
            )}
            {data.flagged && <span className="text-bad">by the brake file on the server</span>}
            <Link to="/stops" onClick={onClose} className="ml-auto text-xs font-medium text-accent underline">
              What earlier stops did
            </Link>
          </p>
        )}
        {data !== undefined && data.brakes.length > 0 && (
          <AppliedBrakes
            brakes={data.brakes}
            mayResume={session.scopes.includes("killswitch:resume")}
            onDone={onClose}
          />
        )}
        <StopForm first={first} mayStop={session.scopes.includes("killswitch:pause")} onDone={onClose} />
      </div>
    </Modal>
  );
}
