// Dark or light: set before the first paint by theme.js, changed here.
type Theme = "dark" | "light";
export const THEME_EVENT = "sluice:theme";

export function theme(): Theme {
  return document.documentElement.dataset.theme === "dark" ? "dark" : "light";
}

export function setTheme(next: Theme): void {
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("sluice.theme", next);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  document.dispatchEvent(new Event(THEME_EVENT));
}
