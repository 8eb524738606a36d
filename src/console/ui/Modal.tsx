// A dialog: focus stays inside, Escape leaves, and whoever opened it gets the focus back.

import { Dialog } from "@base-ui/react/dialog";
import type { ReactNode, RefObject } from "react";
import { Icon } from "./Icons.tsx";

type Props = {
  readonly title: string;
  readonly description?: ReactNode;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  /** What has the focus first; never the button that does it. */
  readonly firstFocus?: RefObject<HTMLElement | null>;
  readonly wide?: boolean;
  readonly children: ReactNode;
};

export function Modal({ title, description, isOpen, onClose, firstFocus, wide = false, children }: Props): ReactNode {
  return (
    <Dialog.Root open={isOpen} onOpenChange={(open) => (open ? undefined : onClose())}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-black/45 backdrop-blur-[1px]" />
        <Dialog.Popup
          initialFocus={firstFocus ?? true}
          className={`fixed inset-x-0 top-[8vh] z-50 mx-auto flex max-h-[84vh] w-[calc(100%-1.5rem)] flex-col overflow-hidden rounded-xl border border-line bg-raised shadow-2xl outline-none max-sm:top-auto max-sm:bottom-2 max-sm:max-h-[92vh] ${wide ? "max-w-3xl" : "max-w-lg"}`}
        >
          <div className="flex items-start justify-between gap-4 border-b border-line px-5 py-3.5">
            <div className="min-w-0">
              <Dialog.Title className="text-sm font-semibold text-ink">{title}</Dialog.Title>
              {description !== undefined && (
                <Dialog.Description className="mt-0.5 text-xs text-muted">{description}</Dialog.Description>
              )}
            </div>
            <Dialog.Close aria-label="Close" className="-mr-1 rounded p-1 text-faint hover:bg-sunken hover:text-ink">
              <Icon name="cross" />
            </Dialog.Close>
          </div>
          <div className="min-h-0 overflow-y-auto px-5 py-4">{children}</div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
