// j and k: the keyboard tells the table that is meant, the table moves. They know each other by this event only.
export const ROW_EVENT = "sluice:row";

/** The table that j and k walk: the one that has the focus, else the first of the page. */
export function walkRows(target: EventTarget | null, by: 1 | -1): void {
  const own = target instanceof HTMLElement ? target.closest("[data-rows]") : null;
  const table = own ?? document.querySelector("[data-rows]");
  table?.dispatchEvent(new CustomEvent(ROW_EVENT, { detail: by }));
}
