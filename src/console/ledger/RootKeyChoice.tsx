// Which root key proofs are checked against, shown always, and pinned by whoever has it from elsewhere.

import { useState, type ReactNode } from "react";
import { NotProven } from "../proof/not-proven.ts";
import { parseVerifierKey } from "../proof/verifier-key.ts";
import { Button } from "../ui/Button.tsx";
import { TextField } from "../ui/Field.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Icon } from "../ui/Icons.tsx";
import { pinRoot, type RootKey } from "./root-key.ts";

type Props = { readonly root: RootKey; readonly served: string | null; readonly onChange: () => void };

export function RootKeyChoice({ root, served, onChange }: Props): ReactNode {
  const isPinned = root.source === "pinned";
  return (
    <div className="mt-3 rounded-md border border-line bg-sunken px-3 py-2 text-xs">
      <p className="flex items-center gap-1.5 font-medium text-ink">
        <Icon name="shield" />
        {isPinned ? "Root key pinned in this browser" : "Root key as this server gives it"}
      </p>
      <p className="mt-1 font-mono text-2xs break-all text-muted" data-root-key>
        <Foreign text={root.text} />
      </p>
      {isPinned && served !== null && served !== root.text && (
        <p className="mt-1 text-bad">The server names another root key now.</p>
      )}
      {!isPinned && (
        <p className="mt-1 text-muted">
          Compare it with the one printed at the first start (root.pub), then pin it: from then on the server cannot
          exchange it unseen.
        </p>
      )}
      <Pinning root={root} isPinned={isPinned} onChange={onChange} />
    </div>
  );
}

type PinningProps = { readonly root: RootKey; readonly isPinned: boolean; readonly onChange: () => void };

function Pinning({ root, isPinned, onChange }: PinningProps): ReactNode {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const pin = async (key: string): Promise<void> => {
    try {
      await parseVerifierKey(key);
      setProblem(pinRoot(key) ? "" : "This browser keeps nothing for this site.");
      setText("");
      onChange();
    } catch (error) {
      setProblem(error instanceof NotProven ? `Not a root key: ${error.message}.` : "Not a root key.");
    }
  };
  const submit = (event: { preventDefault: () => void }): void => {
    event.preventDefault();
    void pin(text.trim());
  };
  if (isPinned) {
    return (
      <Button size="sm" className="mt-2" onClick={() => (pinRoot(null), onChange())}>
        Forget it
      </Button>
    );
  }
  return (
    <form onSubmit={submit} className="mt-2 flex flex-wrap items-end gap-2">
      <div className="min-w-40 flex-1">
        <TextField
          hidden
          label="Root key to pin"
          placeholder="paste a root key"
          value={text}
          onChange={(event) => setText(event.target.value)}
          className="h-7 font-mono text-xs"
        />
      </div>
      <Button size="sm" type="submit" disabled={text.trim() === ""}>
        Pin
      </Button>
      <Button size="sm" onClick={() => void pin(root.text)}>
        Pin this one
      </Button>
      {problem !== "" && (
        <p role="alert" className="basis-full text-bad">
          {problem}
        </p>
      )}
    </form>
  );
}
