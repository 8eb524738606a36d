// Signing in with a one-time code: from the link that the command line prints, or typed in.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type ReactNode } from "react";
import { write } from "../api/api-client.ts";
import type { Session } from "../api/documents.ts";
import { providersQuery, sessionQuery } from "../api/queries.ts";
import { Button, buttonClass } from "../ui/Button.tsx";
import { TextField } from "../ui/Field.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Mark } from "../ui/Icons.tsx";
import { Command, ErrorNote } from "../ui/Panel.tsx";

/** The code behind `#code=` of the link, taken out of the address at once: it stands in no history. */
function codeFromAddress(): string {
  const code = /^#code=([\w-]{1,128})$/.exec(location.hash)?.[1];
  if (code === undefined) return "";
  history.replaceState(history.state, "", location.pathname + location.search);
  return code;
}

export function SignIn(): ReactNode {
  const queries = useQueryClient();
  const [fromLink] = useState(codeFromAddress);
  const [code, setCode] = useState(fromLink);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const signIn = async (event: { preventDefault: () => void }): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const session = await write<Session>({ method: "POST", path: "/v1/session", body: { code: code.trim() } });
      queries.setQueryData(sessionQuery.queryKey, session);
    } catch (problem) {
      setError(problem);
      setCode("");
      field.current?.focus();
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="flex min-h-dvh items-center justify-center px-4 py-10">
      <div className="w-full max-w-sm">
        <div className="mb-6 flex items-center gap-3">
          <Mark />
          <h1 className="text-lg font-semibold tracking-tight">Sign in to Holdpoint</h1>
        </div>
        <form
          onSubmit={(event) => void signIn(event)}
          className="flex flex-col gap-4 rounded-xl border border-line bg-surface p-5"
        >
          {error !== null && <ErrorNote error={error} />}
          <TextField
            ref={field}
            label="One-time code"
            value={code}
            onChange={(event) => setCode(event.target.value)}
            placeholder="hpc_…"
            autoFocus={fromLink === ""}
            className="font-mono"
            required
            hint={fromLink === "" ? undefined : "From the link that you followed. It works once."}
          />
          <Button type="submit" tone="accent" disabled={isBusy || code.trim() === ""} autoFocus={fromLink !== ""}>
            {isBusy ? "Signing in …" : "Sign in"}
          </Button>
        </form>
        <Providers />
        <p className="mt-4 text-xs leading-6 text-muted">
          Get a code where you are signed in already: <Command>holdpoint login --web</Command>. The first start of a
          server prints one for its owner.
        </p>
      </div>
    </main>
  );
}

/** Those at which the server lets people sign in: a link away, and back with a session. */
function Providers(): ReactNode {
  const { data } = useQuery(providersQuery);
  if (data === undefined || data.items.length === 0) return null;
  return (
    <ul className="mt-3 flex flex-col gap-2">
      {data.items.map(({ name, url }) => (
        <li key={name}>
          <a href={url} className={`${buttonClass("plain")} w-full`}>
            Sign in with <Foreign text={name} />
          </a>
        </li>
      ))}
    </ul>
  );
}
