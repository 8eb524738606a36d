// Keys of a page: not while somebody types, not while a dialog is open, and never together with Ctrl, Alt or Meta.

import { useEffect, useRef } from "react";

export type Keys = Readonly<Record<string, (() => void) | undefined>>;

const TYPING = "input, textarea, select, [contenteditable]";

function isTyping({ target }: KeyboardEvent): boolean {
  return target instanceof Element && target.closest(TYPING) !== null;
}

function isDialogOpen(): boolean {
  return document.querySelector("[role=dialog], [role=alertdialog]") !== null;
}

type Options = {
  /** While true, these keys are taken before those of the page; else they are not looked at. */
  readonly first?: () => boolean;
};

/** `keys`: by `KeyboardEvent.key`. */
export function useKeys(keys: Keys, { first }: Options = {}): void {
  const current = useRef({ keys, first });
  useEffect(() => {
    current.current = { keys, first };
  });
  const isFirst = first !== undefined;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
      if (isTyping(event) || isDialogOpen() || current.current.first?.() === false) return;
      const act = current.current.keys[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", onKey, { capture: isFirst });
    return () => window.removeEventListener("keydown", onKey, { capture: isFirst });
  }, [isFirst]);
}
