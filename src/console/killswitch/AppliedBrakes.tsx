// The brakes in force, each with the way to ask for its release.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { write } from "../api/api-client.ts";
import type { Brake } from "../api/documents.ts";
import { scopeText } from "../shell/ModeBanner.tsx";
import { WordBadge } from "../ui/Badge.tsx";
import { Button } from "../ui/Button.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { ErrorNote } from "../ui/Panel.tsx";

type Props = { readonly brakes: readonly Brake[]; readonly mayResume: boolean; readonly onDone: () => void };

export function AppliedBrakes({ brakes, mayResume, onDone }: Props): ReactNode {
  return (
    <ul aria-label="Brakes in force" className="divide-y divide-line rounded-md border border-line">
      {brakes.map((brake) => (
        <BrakeRow key={brake.id} brake={brake} mayResume={mayResume} onDone={onDone} />
      ))}
    </ul>
  );
}

type Resumed = { readonly resumes: readonly { readonly id: string; readonly status: string }[] };

function BrakeRow({
  brake,
  mayResume,
  onDone,
}: {
  readonly brake: Brake;
  readonly mayResume: boolean;
  readonly onDone: () => void;
}): ReactNode {
  const queries = useQueryClient();
  const resume = useMutation({
    mutationFn: () => write<Resumed>({ method: "PUT", path: "/v1/killswitch", body: { mode: "run", brake: brake.id } }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["killswitch"] }),
  });
  const asked = resume.data?.resumes[0];
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2">
      <WordBadge word={brake.mode} />
      <span className="min-w-0 flex-1">
        <Foreign text={scopeText(brake.scope)} />
        <span className="block font-mono text-2xs text-faint">{brake.id}</span>
      </span>
      {asked === undefined ? (
        <Button size="sm" disabled={!mayResume || resume.isPending} onClick={() => resume.mutate()}>
          Ask to resume
        </Button>
      ) : (
        <Link
          to="/holds/$id"
          params={{ id: asked.id }}
          onClick={onDone}
          className="text-xs font-medium text-accent hover:underline"
        >
          Asked: {asked.id} is {asked.status}
        </Link>
      )}
      {resume.error !== null && (
        <div className="basis-full">
          <ErrorNote error={resume.error} />
        </div>
      )}
    </li>
  );
}
