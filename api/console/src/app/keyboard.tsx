// g then a letter goes to a page, / to the page's search, j and k walk its table, ? tells so.
import { useRouter } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { Dialog } from "../ui/dialog";
import { walkRows } from "./keyboard-rows";
import { pagesFor } from "./pages";
import { usePrincipal } from "./principal";

const PREFIX_LASTS_MS = 1500;
const HELP = [
  ["Ctrl K", "Go to a page, do something, find by name or id"],
  ["/", "Search on this page"],
  ["j k", "Next, previous row of the table"],
  ["Enter", "Open it"],
  ["← ↑ → ↓", "Move on a map or calendar"],
  ["?", "This help"],
] as const;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
}

/** Keys of one letter, by what they do; a dialog has the keyboard for itself. */
function useKeys(
  actions: Readonly<Record<string, (event: KeyboardEvent) => void>>,
  go: (letter: string) => boolean,
): void {
  const latest = useRef({ actions, go });
  useEffect(() => {
    latest.current = { actions, go };
  });
  useEffect(() => {
    let prefixAt_ms = -Infinity;
    function onKey(event: KeyboardEvent): void {
      if (document.querySelector("dialog[open]") !== null) return;
      if ((event.ctrlKey || event.metaKey) && event.key === "k") {
        event.preventDefault();
        latest.current.actions.palette?.(event);
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const afterPrefix = event.timeStamp - prefixAt_ms < PREFIX_LASTS_MS;
      prefixAt_ms = event.key === "g" ? event.timeStamp : -Infinity;
      if (afterPrefix && latest.current.go(event.key)) event.preventDefault();
      else latest.current.actions[event.key]?.(event);
    }
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

export function Keyboard({ onPalette }: { onPalette: () => void }) {
  const router = useRouter();
  const pages = pagesFor(usePrincipal());
  const [help, setHelp] = useState(false);
  useKeys(
    {
      palette: onPalette,
      "?": () => setHelp(true),
      j: (event) => walkRows(event.target, 1),
      k: (event) => walkRows(event.target, -1),
      "/": (event) => {
        document.querySelector<HTMLInputElement>("input[type=search]")?.focus();
        event.preventDefault();
      },
    },
    (letter) => {
      const page = pages.find((each) => each.key === letter);
      if (page !== undefined) void router.navigate({ to: page.path });
      return page !== undefined;
    },
  );

  return (
    <>
      <button
        type="button"
        className="icon keyboard-button"
        aria-label="Keyboard help"
        title="Keyboard help (?)"
        onClick={() => setHelp(true)}
      >
        ?
      </button>
      {help && (
        <Dialog title="Keyboard" className="help" onClose={() => setHelp(false)}>
          {(close) => (
            <>
              <dl>
                {[...pages.map((page) => [`g ${page.key}`, `Go to ${page.name}`] as const), ...HELP].map(
                  ([keys, meaning]) => (
                    <div key={keys}>
                      <dt>
                        {keys.split(" ").map((key) => (
                          <kbd key={key}>{key}</kbd>
                        ))}
                      </dt>
                      <dd>{meaning}</dd>
                    </div>
                  ),
                )}
              </dl>
              <div className="dialog-end">
                <button type="button" className="primary" autoFocus onClick={close}>
                  Close
                </button>
              </div>
            </>
          )}
        </Dialog>
      )}
    </>
  );
}
