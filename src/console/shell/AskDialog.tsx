// Asking for authority: the form only asks, somebody else has to approve it. What it asks for is an action like any other.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState, type ReactNode, type Ref } from "react";
import { newKey } from "../api/api-client.ts";
import { proposeOwn } from "../api/propose-own.ts";
import { Button } from "../ui/Button.tsx";
import { TextArea } from "../ui/Field.tsx";
import { Modal } from "../ui/Modal.tsx";
import { ErrorNote } from "../ui/Panel.tsx";
import { useNotice } from "./Notices.tsx";

export type Draft = Readonly<Record<string, string>>;

/** What the fields of a form need. */
export type Drafting<T extends Draft> = {
  readonly draft: T;
  readonly first: Ref<HTMLInputElement>;
  readonly set: (name: keyof T, value: string) => void;
  /** Value and change of a text field. */
  readonly field: (name: keyof T) => {
    readonly value: string;
    readonly onChange: (event: { readonly target: { readonly value: string } }) => void;
  };
};

type Props<T extends Draft> = {
  readonly title: string;
  readonly description: string;
  readonly kind: string;
  readonly empty: T;
  /** The arguments; null while what is needed is missing. */
  readonly toArguments: (draft: T) => object | null;
  readonly fields: (drafting: Drafting<T>) => ReactNode;
};

export function AskDialog<T extends Draft>(props: Props<T>): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  const close = (): void => setOpen(false);
  return (
    <>
      <Button size="sm" onClick={() => setOpen(true)}>
        {props.title} …
      </Button>
      <Modal title={props.title} description={props.description} isOpen={isOpen} onClose={close} firstFocus={first}>
        {isOpen && <AskForm {...props} first={first} onClose={close} />}
      </Modal>
    </>
  );
}

type FormProps<T extends Draft> = Props<T> & { readonly first: Ref<HTMLInputElement>; readonly onClose: () => void };

function AskForm<T extends Draft>({ kind, empty, toArguments, fields, first, onClose }: FormProps<T>): ReactNode {
  const [draft, setDraft] = useState(empty);
  const [reason, setReason] = useState("");
  const ask = useAsk(kind, onClose);
  const set = (name: keyof T, value: string): void => setDraft({ ...draft, [name]: value });
  const field = (name: keyof T) => ({
    value: draft[name] ?? "",
    onChange: (event: { readonly target: { readonly value: string } }) => set(name, event.target.value),
  });
  const isReady = toArguments(draft) !== null && !ask.isPending;
  const submit = (event: { preventDefault: () => void }): void => {
    event.preventDefault();
    const args = toArguments(draft);
    if (isReady && args !== null) ask.mutate({ args, reason: reason.trim() });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3.5">
      {ask.error !== null && <ErrorNote error={ask.error} />}
      {fields({ draft, first, set, field })}
      <TextArea label="Reason" maxLength={4_000} value={reason} onChange={(event) => setReason(event.target.value)} />
      <div className="flex justify-end gap-2">
        <Button tone="quiet" onClick={onClose}>
          Back
        </Button>
        <Button type="submit" tone="accent" disabled={!isReady}>
          Ask for it
        </Button>
      </div>
    </form>
  );
}

function useAsk(kind: string, onClose: () => void) {
  const [key] = useState(newKey);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const say = useNotice();
  return useMutation({
    mutationFn: (asked: { readonly args: object; readonly reason: string }) => proposeOwn({ kind, key, ...asked }),
    onSuccess: ({ id, status }) => {
      say(status === "held" ? `${id} waits for somebody else to approve it.` : `${id} is ${status}.`);
      onClose();
      void navigate({ to: "/actions/$id", params: { id } });
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["actions"] }),
  });
}

/** Names with spaces or commas between them. */
export function namesIn(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((name) => name !== "");
}
