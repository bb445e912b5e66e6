import { setTheme, theme } from "./theme";
import { useTheme } from "./canvas";

export function ThemeButton() {
  useTheme();
  const other = theme() === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      className="icon"
      onClick={() => setTheme(other)}
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
