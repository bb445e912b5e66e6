// g then a letter goes to a page, / to the page's search, ? tells so.
import { useRouter } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

const PREFIX_LASTS_MS = 1500;
const PLACES: Readonly<Record<string, "/fleet" | "/reservations" | "/economics">> = {
  f: "/fleet",
  r: "/reservations",
  e: "/economics",
};
const HELP = [
  ["g f", "Go to the fleet"],
  ["g r", "Go to reservations"],
  ["g e", "Go to economics"],
  ["/", "Search on this page"],
  ["← ↑ → ↓", "Move on the map"],
  ["?", "This help"],
] as const;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
}

export function KeyboardHelp() {
  const router = useRouter();
  const dialog = useRef<HTMLDialogElement>(null);

  useEffect(() => {
    let prefixAt_ms = -Infinity;
    function onKey(event: KeyboardEvent): void {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const place = PLACES[event.key];
      const afterPrefix = event.timeStamp - prefixAt_ms < PREFIX_LASTS_MS;
      prefixAt_ms = event.key === "g" ? event.timeStamp : -Infinity;
      if (afterPrefix && place !== undefined) void router.navigate({ to: place });
      else if (event.key === "?") dialog.current?.showModal();
      else if (event.key === "/") {
        document.querySelector<HTMLInputElement>("input[type=search]")?.focus();
        event.preventDefault();
      }
    }
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [router]);

  return (
    <>
      <button
        type="button"
        className="icon"
        aria-label="Keyboard help"
        title="Keyboard help (?)"
        onClick={() => dialog.current?.showModal()}
      >
        ?
      </button>
      <dialog ref={dialog} aria-labelledby="keyboard-title" className="help">
        <h2 id="keyboard-title">Keyboard</h2>
        <dl>
          {HELP.map(([keys, meaning]) => (
            <div key={keys}>
              <dt>
                {keys.split(" ").map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
        <form method="dialog">
          <button type="submit" className="primary" autoFocus>
            Close
          </button>
        </form>
      </dialog>
    </>
  );
}
