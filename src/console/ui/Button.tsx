// Buttons and links that look like them.

import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";

export type ButtonTone = "plain" | "quiet" | "approve" | "deny" | "danger" | "accent";

const TONES: Readonly<Record<ButtonTone, string>> = {
  plain: "border-strong bg-surface text-ink hover:bg-sunken",
  quiet: "border-transparent text-muted hover:bg-sunken hover:text-ink",
  approve: "border-transparent bg-ok-solid text-accent-ink hover:opacity-90",
  deny: "border-transparent bg-bad-solid text-accent-ink hover:opacity-90",
  danger: "border-bad/40 bg-bad-soft text-bad hover:border-bad",
  accent: "border-transparent bg-accent text-accent-ink hover:opacity-90",
};

export function buttonClass(tone: ButtonTone, size: "sm" | "md" = "md"): string {
  const shape = size === "sm" ? "h-7 px-2 text-xs" : "h-8 px-3 text-[0.8125rem] pointer-coarse:h-10";
  return `inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md border font-medium whitespace-nowrap transition-colors disabled:opacity-45 ${shape} ${TONES[tone]}`;
}

type Props = ButtonHTMLAttributes<HTMLButtonElement> & {
  readonly tone?: ButtonTone;
  readonly size?: "sm" | "md";
  readonly ref?: Ref<HTMLButtonElement>;
  readonly children: ReactNode;
};

export function Button({ tone = "plain", size = "md", className = "", ...rest }: Props): ReactNode {
  return <button type="button" {...rest} className={`${buttonClass(tone, size)} ${className}`} />;
}
