// Fields of forms and filters, each with its label.

import { useId, type InputHTMLAttributes, type ReactNode, type Ref, type TextareaHTMLAttributes } from "react";

const BOX =
  "w-full rounded-md border border-strong bg-surface px-2.5 py-1.5 text-ink placeholder:text-faint focus-visible:outline-offset-0";

type Labelled = { readonly label: string; readonly hint?: ReactNode; readonly hidden?: boolean };

function LabelText({ id, label, hidden }: Labelled & { readonly id: string }): ReactNode {
  return (
    <label htmlFor={id} className={hidden === true ? "sr-only" : "mb-1 block text-xs font-medium text-muted"}>
      {label}
    </label>
  );
}

type InputProps = InputHTMLAttributes<HTMLInputElement> & Labelled & { readonly ref?: Ref<HTMLInputElement> };

export function TextField({ label, hint, hidden = false, className = "", ...rest }: InputProps): ReactNode {
  const id = useId();
  return (
    <div>
      <LabelText id={id} label={label} hidden={hidden} />
      <input id={id} autoComplete="off" spellCheck={false} {...rest} className={`${BOX} ${className}`} />
      {hint !== undefined && <p className="mt-1 text-xs text-faint">{hint}</p>}
    </div>
  );
}

type AreaProps = TextareaHTMLAttributes<HTMLTextAreaElement> & Labelled & { readonly ref?: Ref<HTMLTextAreaElement> };

export function TextArea({ label, hint, hidden = false, ...rest }: AreaProps): ReactNode {
  const id = useId();
  return (
    <div>
      <LabelText id={id} label={label} hidden={hidden} />
      <textarea id={id} rows={3} {...rest} className={`${BOX} resize-y`} />
      {hint !== undefined && <p className="mt-1 text-xs text-faint">{hint}</p>}
    </div>
  );
}

type ChoiceProps = Labelled & {
  readonly ref?: Ref<HTMLSelectElement>;
  readonly value: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly onChange: (value: string) => void;
};

export function Choice({ ref, label, hidden = false, value, options, onChange }: ChoiceProps): ReactNode {
  const id = useId();
  return (
    <div>
      <LabelText id={id} label={label} hidden={hidden} />
      <select ref={ref} id={id} value={value} onChange={(event) => onChange(event.target.value)} className={BOX}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
