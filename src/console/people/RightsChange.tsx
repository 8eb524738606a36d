// What a proposed registration would change for the person or group that it is about: what comes, and what goes.

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { PersonView } from "../../wire/types/rights.ts";
import type { ActionDocument } from "../api/documents.ts";
import { personQuery } from "../api/queries.ts";
import { Foreign } from "../ui/Foreign.tsx";
import { Pair, Pairs, Panel } from "../ui/Panel.tsx";

const KINDS: ReadonlySet<string> = new Set(["person.register", "group.register"]);

type Asked = {
  readonly id: string;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  readonly keys: readonly { readonly thumbprint: string }[];
};

export function RightsChange({ action }: { readonly action: ActionDocument }): ReactNode {
  const isOpen = KINDS.has(action.kind) && action.operand !== null && action.endedAt === null;
  return isOpen ? <Change asked={JSON.parse(action.operand) as Asked} /> : null;
}

function Change({ asked }: { readonly asked: Asked }): ReactNode {
  const { data } = useQuery(personQuery(asked.id));
  if (data === undefined) return null;
  const before = data?.registered ?? null;
  const keys = asked.keys.map(({ thumbprint }) => thumbprint);
  return (
    <Panel title="What would change">
      <p className="mb-2 text-muted">
        <Foreign text={asked.id} /> {standing(data)}
      </p>
      <Pairs>
        <Moved name="Roles" before={before?.roles ?? []} after={asked.roles} />
        <Moved name="Scopes" before={before?.scopes ?? []} after={asked.scopes} />
        <Moved name="Keys" before={data?.keys ?? []} after={keys} />
      </Pairs>
    </Panel>
  );
}

function standing(view: PersonView | null): string {
  if (view === null) return "is not registered yet.";
  return view.status === "revoked" ? "was revoked." : `is registered, and ${view.status}.`;
}

type Sides = { readonly name: string; readonly before: readonly string[]; readonly after: readonly string[] };

function Moved({ name, before, after }: Sides): ReactNode {
  const comes = after.filter((one) => !before.includes(one));
  const goes = before.filter((one) => !after.includes(one));
  return (
    <Pair name={name}>
      {comes.length === 0 && goes.length === 0 && <span className="text-faint">as before</span>}
      {comes.length > 0 && (
        <span className="block text-ok">
          + <Foreign text={comes.join(", ")} />
        </span>
      )}
      {goes.length > 0 && (
        <span className="block text-bad">
          − <Foreign text={goes.join(", ")} />
        </span>
      )}
    </Pair>
  );
}
