// Finding a node: by a part of its name, or by its whole id.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { nodesQuery } from "../api/model-queries.ts";
import { TextField } from "../ui/Field.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import type { ModelSearch } from "./model-search.ts";

const FOUND_MAX = 12;
const ID = /^[a-z-]+:[^:]*:.+$/;

export function NodeSearch({ search }: { readonly search: ModelSearch }): ReactNode {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const { data, error } = useQuery({ ...nodesQuery, enabled: text !== "" });
  const wanted = text.trim().toLowerCase();
  const found =
    wanted === "" ? [] : (data?.nodes ?? []).filter(({ id }) => id.toLowerCase().includes(wanted)).slice(0, FOUND_MAX);
  const go = (event: { preventDefault: () => void }): void => {
    event.preventDefault();
    const node = ID.test(text.trim()) ? text.trim() : found[0]?.id;
    if (node === undefined) return;
    setText("");
    void navigate({ to: "/model", search: { ...search, node } });
  };
  return (
    <form role="search" data-filter onSubmit={go} className="relative w-80 max-w-full">
      <TextField
        label="Find a node"
        hidden
        placeholder="Find a service, datastore, queue …"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") setText("");
        }}
      />
      {wanted !== "" && data === undefined && (
        <p role="status" className="absolute z-10 mt-1 rounded-md border border-strong bg-raised px-2.5 py-1 text-2xs">
          {error === null ? "Looking …" : "The model cannot be read: a whole id, kind:environment:name, still opens."}
        </p>
      )}
      {wanted !== "" && data !== undefined && (
        <div className="absolute z-10 mt-1 w-full rounded-md border border-strong bg-raised py-1 shadow-lg">
          <ul aria-label="Nodes found">
            {found.map(({ id }) => (
              <li key={id}>
                <Link
                  to="/model"
                  search={{ ...search, node: id }}
                  onClick={() => setText("")}
                  className="block px-2.5 py-1 hover:bg-sunken"
                >
                  <Foreign mono text={id} />
                </Link>
              </li>
            ))}
          </ul>
          <p role="status" className="px-2.5 text-2xs text-muted">
            {found.length === 0 ? "No such node." : `${found.length} shown.`}
            {!data.isWhole && " Not all were looked at: a whole id, kind:environment:name, finds any."}
          </p>
        </div>
      )}
    </form>
  );
}
