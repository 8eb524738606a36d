// The keys that work on every page: `g` and a letter to go, `?` for help.

import { useNavigate } from "@tanstack/react-router";
import { useRef, useState, type ReactNode } from "react";
import { Modal } from "../ui/Modal.tsx";
import { useKeys } from "../ui/use-keys.ts";
import { PAGES } from "./pages.ts";

const SEQUENCE_MS = 1_500;

const HELP: readonly (readonly [keys: string, does: string])[] = [
  ...PAGES.map(({ key, name }) => [`g ${key}`, `Go to ${name}`] as const),
  ["g k", "Open the kill switch"],
  ["j  k", "Next and previous in a list"],
  ["Enter", "Open what is chosen"],
  ["a", "Approve: opens a question, decides nothing by itself"],
  ["d", "Deny: opens a question, decides nothing by itself"],
  ["/", "Filter"],
  ["Esc", "Close, or back to the list"],
  ["?", "This help"],
];

export function Keyboard({ onKillswitch }: { readonly onKillswitch: () => void }): ReactNode {
  const navigate = useNavigate();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const goAt = useRef(-Infinity);
  const isGoing = (): boolean => performance.now() - goAt.current < SEQUENCE_MS;
  const goTo = (to: string) => (): void => {
    if (isGoing()) void navigate({ to });
    goAt.current = -Infinity;
  };
  useKeys({
    "?": () => setHelpOpen(true),
    g: () => {
      goAt.current = performance.now();
    },
    "/": () => document.querySelector<HTMLElement>("[data-filter] input, [data-filter] select")?.focus(),
  });
  useSequence({ isGoing, goTo, onKillswitch });
  return (
    <Modal title="Keyboard" isOpen={isHelpOpen} onClose={() => setHelpOpen(false)}>
      <dl className="grid grid-cols-[5rem_1fr] gap-y-2">
        {HELP.map(([keys, does]) => (
          <div key={keys} className="contents">
            <dt>
              <kbd className="rounded border border-strong bg-sunken px-1.5 py-0.5 font-mono text-xs whitespace-pre">
                {keys}
              </kbd>
            </dt>
            <dd className="text-muted">{does}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}

type Sequence = {
  readonly isGoing: () => boolean;
  readonly goTo: (to: string) => () => void;
  readonly onKillswitch: () => void;
};

/** The letters behind `g`. Pages use some of them alone, so they are taken first, while a sequence is under way. */
function useSequence({ isGoing, goTo, onKillswitch }: Sequence): void {
  const whileGoing = (act: () => void) => (): void => {
    if (isGoing()) act();
  };
  useKeys(
    {
      ...Object.fromEntries(PAGES.map(({ key, to }) => [key, whileGoing(goTo(to))])),
      k: whileGoing(onKillswitch),
    },
    { first: isGoing },
  );
}
