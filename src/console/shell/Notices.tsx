// Short words about what has just been done, said aloud to those who listen.

import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from "react";

type Notice = { readonly id: number; readonly text: string };

const NoticeContext = createContext<(text: string) => void>(() => undefined);
const SHOWN_MS = 6_000;

export function useNotice(): (text: string) => void {
  return use(NoticeContext);
}

export function Notices({ children }: { readonly children: ReactNode }): ReactNode {
  const [notice, setNotice] = useState<Notice | null>(null);
  const say = useCallback((text: string) => setNotice((before) => ({ id: (before?.id ?? 0) + 1, text })), []);
  useEffect(() => {
    if (notice === null) return undefined;
    const timer = setTimeout(() => setNotice(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  const value = useMemo(() => say, [say]);
  return (
    <NoticeContext value={value}>
      {children}
      <div
        role="status"
        aria-live="polite"
        className="pointer-events-none fixed inset-x-0 bottom-20 z-60 flex justify-center px-4 sm:bottom-6"
      >
        {notice !== null && (
          <p
            key={notice.id}
            className="rounded-lg border border-strong bg-raised px-4 py-2 font-medium text-ink shadow-lg"
          >
            {notice.text}
          </p>
        )}
      </div>
    </NoticeContext>
  );
}
