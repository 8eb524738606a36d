// The root's public key that proofs are checked against: pinned in this browser, or else what the server says of itself.

const KEY = "holdpoint.root";

export type RootKey = { readonly text: string; readonly source: "pinned" | "server" };

export function pinnedRoot(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be forbidden
  }
}

/** False where this browser keeps nothing. */
export function pinRoot(text: string | null): boolean {
  try {
    if (text === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, text);
    return true;
  } catch {
    return false;
  }
}
