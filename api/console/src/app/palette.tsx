// Ctrl K: go to a page, do something, find an object by name or id. A combobox with a list below it (ARIA 1.2).
import { useQuery } from "@tanstack/react-query";
import { useLocation, useRouter } from "@tanstack/react-router";
import { useId, useState, type KeyboardEvent } from "react";
import { problemOf } from "../api/problem";
import type { Action } from "../ui/action";
import { ActionDialog } from "../ui/action-dialog";
import { Dialog } from "../ui/dialog";
import { useSettled } from "../ui/preview";
import { actionsAt, hasActions } from "./object-actions";
import {
  actedOn,
  actionItems,
  distinct,
  doing,
  findObjects,
  identityOf,
  itemOfId,
  itemsFor,
  matchingActions,
  wishOf,
  type Item,
} from "./palette-items";
import { usePrincipal } from "./principal";

const TEXT_LEAST = 2;
const NOTHING = { items: [], refusal: null };

export default function Palette({ onClose }: { onClose: () => void }) {
  const [action, setAction] = useState<Action<never> | null>(null);
  if (action !== null) return <ActionDialog action={action} onClose={onClose} />;
  return (
    <Dialog title="Go to or find" className="palette" onClose={onClose}>
      {(close) => <Finder close={close} onAction={setAction} />}
    </Dialog>
  );
}

interface Acts {
  items: Item[];
  searching: boolean;
  /** Why of some it is not known what can be done. */
  refusal: string | null;
}

/** What can be done with the objects at these addresses, as they are now: what they were before is nothing to act on. */
function useActions(paths: readonly string[]): Acts {
  const me = usePrincipal();
  const router = useRouter();
  const go = (path: string): void => void router.navigate({ href: `/console${path}` });
  const acted = useQuery({
    queryKey: ["palette", "actions", paths],
    queryFn: async () => {
      const asked = await Promise.allSettled(paths.map((path) => actionsAt(me, path, go)));
      const refused = asked.find((answer) => answer.status === "rejected");
      return {
        items: actionItems(asked.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []))),
        refusal: refused === undefined ? null : refusalText(refused.reason),
      };
    },
    enabled: paths.length > 0,
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
  const { items, refusal } = (acted.isFetching ? undefined : acted.data) ?? NOTHING;
  return { items, searching: acted.isFetching, refusal };
}

function refusalText(error: unknown): string {
  const { title, detail } = problemOf(error);
  return `What can be done with it is not known: ${detail ?? title}`;
}

function useItems(text: string): Acts {
  const me = usePrincipal();
  const here = useLocation({ select: (location) => location.pathname });
  const settled = useSettled(text.trim());
  const { verb, name } = wishOf(settled);
  const byId = itemOfId(name);
  const found = useQuery({
    queryKey: ["palette", name],
    queryFn: ({ signal }) => findObjects(me, name, signal),
    enabled: name.length >= TEXT_LEAST && byId === null,
    retry: false,
  });
  const objects = byId === null ? (found.data ?? []) : [byId];
  const ofPage = useActions(hasActions(here) ? [here] : []);
  const ofFound = useActions(actedOn(objects, verb).filter(hasActions));
  const items = [
    ...(byId === null ? [] : objects),
    ...matchingActions(ofPage.items, text),
    ...itemsFor(me, text),
    ...(byId === null ? objects : []),
    ...(verb === null ? ofFound.items : doing(ofFound.items, verb)),
  ];
  const searching = settled !== text.trim() || found.isFetching || ofPage.searching || ofFound.searching;
  return { items: distinct(items), searching, refusal: ofFound.refusal ?? ofPage.refusal };
}

function statusOf({ items, searching, refusal }: Acts): string {
  if (searching) return "Searching…";
  return refusal ?? (items.length === 0 ? "Nothing of this name." : "");
}

function Finder({ close, onAction }: { close: () => void; onAction: (action: Action<never>) => void }) {
  const router = useRouter();
  const id = useId();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const { items, searching, refusal } = useItems(text);
  const current = Math.min(at, items.length - 1);

  function run(item: Item | undefined): void {
    if (item === undefined) return;
    const { to } = item;
    if (typeof to === "object") return to.refusal == null ? onAction(to) : undefined;
    close();
    if (typeof to === "string") void router.navigate({ href: `/console${to}` });
    else to();
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
            key={identityOf(item)}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === current}
            aria-disabled={typeof item.to === "object" && item.to.refusal != null}
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
        {statusOf({ items, searching, refusal })}
      </p>
    </>
  );
}
