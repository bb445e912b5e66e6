import { useState } from "react";

type Theme = "dark" | "light";
export const THEME_EVENT = "sluice:theme";

function current(): Theme {
  return document.documentElement.dataset.theme === "dark" ? "dark" : "light";
}

export function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(current);
  const other: Theme = theme === "dark" ? "light" : "dark";

  function toggle(): void {
    document.documentElement.dataset.theme = other;
    try {
      localStorage.setItem("sluice.theme", other);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
    document.dispatchEvent(new Event(THEME_EVENT));
    setTheme(other);
  }

  return (
    <button
      type="button"
      className="icon"
      onClick={toggle}
      aria-label={`Switch to ${other}`}
      title={`Switch to ${other}`}
    >
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" fill="currentColor" />
      </svg>
    </button>
  );
}
