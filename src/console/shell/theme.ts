// Dark or light: as the system says, until somebody chooses otherwise in this browser.

const KEY = "holdpoint.theme";

export type Theme = "light" | "dark";

function chosen(): Theme | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : null;
  } catch {
    return null; // storage may be forbidden
  }
}

export function currentTheme(): Theme {
  return chosen() ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

export function applyTheme(): void {
  const theme = chosen();
  if (theme !== null) document.documentElement.dataset["theme"] = theme;
}

/** Answers the theme that is shown from now on. */
export function toggleTheme(): Theme {
  const next = currentTheme() === "dark" ? "light" : "dark";
  document.documentElement.dataset["theme"] = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // it lasts as long as the page
  }
  return next;
}
