// Ctrl K: go to a page, do something, find an object by name or id. A combobox with a list below it (ARIA 1.2).
import { useQuery } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useId, useState, type KeyboardEvent } from "react";
import { Dialog } from "../ui/dialog";
import { useSettled } from "../ui/preview";
import { findObjects, itemOfId, itemsFor, type Item } from "./palette-items";
import { usePrincipal } from "./principal";

const TEXT_LEAST = 2;

export default function Palette({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Go to or find" className="palette" onClose={onClose}>
      {(close) => <Finder close={close} />}
    </Dialog>
  );
}

function useItems(text: string): { items: Item[]; searching: boolean } {
  const me = usePrincipal();
  const settled = useSettled(text.trim());
  const byId = itemOfId(text.trim());
  const found = useQuery({
    queryKey: ["palette", settled],
    queryFn: ({ signal }) => findObjects(me, settled, signal),
    enabled: settled.length >= TEXT_LEAST && byId === null,
    retry: false,
  });
  const items = [...(byId === null ? [] : [byId]), ...itemsFor(me, text), ...(found.data ?? [])];
  return { items, searching: found.isFetching };
}

function Finder({ close }: { close: () => void }) {
  const router = useRouter();
  const id = useId();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const { items, searching } = useItems(text);
  const current = Math.min(at, items.length - 1);

  function run(item: Item | undefined): void {
    if (item === undefined) return;
    close();
    if (typeof item.to === "string") void router.navigate({ href: `/console${item.to}` });
    else item.to();
  }

  const keys: Readonly<Record<string, () => void>> = {
    ArrowDown: () => setAt(current + 1 < items.length ? current + 1 : 0),
    ArrowUp: () => setAt(current > 0 ? current - 1 : items.length - 1),
    Home: () => setAt(0),
    End: () => setAt(items.length - 1),
    Enter: () => run(items[current]),
  };
  function onKey(event: KeyboardEvent): void {
    const act = keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  }

  return (
    <>
      <input
        type="text"
        role="combobox"
        aria-label="Page, action, name or id"
        aria-expanded={items.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={current >= 0 ? `${id}-${current}` : undefined}
        aria-autocomplete="list"
        autoComplete="off"
        spellCheck={false}
        autoFocus
        placeholder="Page, action, name or id"
        value={text}
        onChange={(event) => (setText(event.target.value), setAt(0))}
        onKeyDown={onKey}
      />
      <ul id={`${id}-list`} role="listbox" aria-label="Found">
        {items.map((item, index) => (
          <li
            key={`${item.hint} ${item.name}`}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === current}
            onClick={() => run(item)}
            onPointerMove={() => setAt(index)}
            ref={index === current ? (element) => element?.scrollIntoView({ block: "nearest" }) : undefined}
          >
            <span>{item.name}</span>
            <span className="fine">{item.hint}</span>
          </li>
        ))}
      </ul>
      <p className="fine" role="status">
        {searching ? "Searching…" : items.length === 0 ? "Nothing of this name." : ""}
      </p>
    </>
  );
}
