// A receipt, verified in this page: which checks hold, under which root key, and where that key comes from.

import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { ledgerKeysQuery, receiptQuery } from "../api/queries.ts";
import { NotProven } from "../proof/not-proven.ts";
import { verifyReceipt, type Receipt } from "../proof/receipt.ts";
import { Badge } from "../ui/Badge.tsx";
import { Icon } from "../ui/Icons.tsx";
import { ErrorNote, Panel } from "../ui/Panel.tsx";
import { RootKeyChoice } from "./RootKeyChoice.tsx";
import { pinnedRoot, type RootKey } from "./root-key.ts";

type Props = {
  readonly path: string;
  /** Changes with what the receipt is about: it is asked for again. */
  readonly mark: string;
  readonly about: string;
};

export function ReceiptPanel({ path, mark, about }: Props): ReactNode {
  const [pinned, setPinned] = useState(pinnedRoot);
  const keys = useQuery(ledgerKeysQuery);
  const receipt = useQuery(receiptQuery({ path, mark }));
  const root: RootKey | null =
    pinned !== null
      ? { text: pinned, source: "pinned" }
      : keys.data === undefined
        ? null
        : { text: keys.data.root, source: "server" };
  const proof = useQuery({
    queryKey: ["proof", path, mark, root?.text, receipt.dataUpdatedAt],
    enabled: root !== null && receipt.data !== undefined,
    staleTime: Infinity,
    retry: false,
    queryFn: () => prove(receipt.data, root?.text ?? ""),
  });
  const problem = receipt.error ?? (root === null ? keys.error : null);
  return (
    <Panel title="Receipt" aside={<State proof={proof.data} />}>
      {problem !== null && <ErrorNote error={problem} />}
      {problem === null && proof.data === undefined && <p className="text-faint">Verifying …</p>}
      {proof.data !== undefined && <Outcome proof={proof.data} about={about} root={root} />}
      {root !== null && (
        <RootKeyChoice root={root} served={keys.data?.root ?? null} onChange={() => setPinned(pinnedRoot())} />
      )}
      <p className="mt-2 text-xs">
        <a href={path} download="receipt.json" className="text-accent underline">
          Download the receipt
        </a>{" "}
        <span className="text-faint">and check it anywhere: holdpoint verify</span>
      </p>
    </Panel>
  );
}

type Proof =
  | { readonly kind: "proven"; readonly receipt: Receipt }
  | { readonly kind: "refuted"; readonly why: string }
  | { readonly kind: "unable" };

async function prove(receipt: unknown, root: string): Promise<Proof> {
  // Browsers have WebCrypto on https and on localhost alone.
  if (globalThis.isSecureContext !== true) return { kind: "unable" };
  try {
    return { kind: "proven", receipt: await verifyReceipt(receipt, root) };
  } catch (error) {
    if (error instanceof NotProven) return { kind: "refuted", why: error.message };
    return { kind: "refuted", why: "the browser could not read a part of it" };
  }
}

function State({ proof }: { readonly proof: Proof | undefined }): ReactNode {
  if (proof === undefined) return null;
  if (proof.kind === "proven") return <Badge tone="ok">verified</Badge>;
  return proof.kind === "refuted" ? <Badge tone="bad">does not verify</Badge> : <Badge tone="warn">not checked</Badge>;
}

function Outcome({
  proof,
  about,
  root,
}: {
  readonly proof: Proof;
  readonly about: string;
  readonly root: RootKey | null;
}): ReactNode {
  switch (proof.kind) {
    case "refuted":
      return (
        <div role="alert" className="rounded-md border border-bad/30 bg-bad-soft px-3 py-2 text-bad">
          <p className="font-medium">This receipt does not verify</p>
          <p className="mt-0.5 text-xs">
            {proof.why}. Do not rely on what this page shows; ask whoever keeps the root key.
          </p>
        </div>
      );
    case "unable":
      return (
        <p className="text-warn">
          This browser verifies on https or localhost alone. Download the receipt and use holdpoint verify.
        </p>
      );
    case "proven":
      return <Checks receipt={proof.receipt} about={about} root={root} />;
  }
}

function Checks({
  receipt,
  about,
  root,
}: {
  readonly receipt: Receipt;
  readonly about: string;
  readonly root: RootKey | null;
}): ReactNode {
  const checks = [
    ["The root key names the log key", receipt.logKey.split("+")[1] ?? ""],
    ["The log key signed the checkpoint", `${receipt.size} events`],
    [`The event is under it (${receipt.pathLength} hashes)`, `#${receipt.event.seq} ${receipt.event.type}`],
    ["The envelope is signed by the log key", "DSSE, in-toto"],
  ] as const;
  return (
    <>
      <p className="text-muted">
        Checked in this page: {about} is in the log <span className="font-mono text-xs">{receipt.origin}</span>
        {root?.source === "server" ? ", as far as the server's own key says." : "."}
      </p>
      <ul className="mt-2 flex flex-col gap-1">
        {checks.map(([what, detail]) => (
          <li key={what} className="flex items-center gap-2">
            <span className="text-ok">
              <Icon name="check" />
            </span>
            <span>{what}</span>
            <span className="ml-auto truncate font-mono text-2xs text-faint">{detail}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
