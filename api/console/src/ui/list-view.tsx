// A list of the API as a page shows it: what it may be searched by, how many there are, what one can make, and the table.
import type { ReactNode } from "react";
import { useMemo } from "react";
import { useWhole, type ItemOf } from "../api/lists";
import type { paths } from "../api/schema";
import { countOf } from "../format/text";
import { ActionButton, type Action } from "./action";
import { ListTools } from "./list-tools";
import { SearchBox } from "./search-box";
import { Empty, Loaded } from "./states";
import { DataTable, type Column } from "./table";

/** What of the address the list keeps: its search and its order. */
export interface ListSearch {
  find: string | undefined;
  sort: string | undefined;
  change: (next: { find?: string | undefined; sort?: string | undefined }) => void;
}

interface ListViewProps<P extends keyof paths & string> {
  path: P;
  /** The word by which live events name it. */
  word: string;
  query?: Readonly<Record<string, string | undefined>>;
  /** One of them: "invoice". */
  noun: string;
  /** Several, where the noun takes no s. */
  label: string;
  columns: readonly Column<ItemOf<P>>[];
  rowKey: (item: ItemOf<P>) => string;
  /** Where there is none: what would be here. */
  empty: ReactNode;
  search: ListSearch;
  /** What the search looks through. */
  text: (item: ItemOf<P>) => string;
  /** Newest first: the API's lists are oldest first. */
  newestFirst?: boolean;
  /** What one can make here; `more`: in another way. */
  create?: Action<never>;
  more?: Action<never>;
  filters?: ReactNode;
  selected?: string | undefined;
  onRow?: (item: ItemOf<P>) => void;
  /** What stands below the table, of all the items. */
  below?: (items: readonly ItemOf<P>[]) => ReactNode;
  pagesMax?: number;
}

export function ListView<P extends keyof paths & string>(props: ListViewProps<P>) {
  const { path, word, query, create, filters, pagesMax } = props;
  const list = useWhole(
    word,
    { path, ...(query !== undefined && { query }) },
    { filters: Object.keys(query ?? {}), ...(pagesMax !== undefined && { pagesMax }) },
  );
  return (
    <>
      {(filters !== undefined || create !== undefined) && (
        <div className="section-top">
          {filters}
          {create !== undefined && (
            <span className="actions push">
              {props.more !== undefined && <ActionButton action={props.more} />}
              <ActionButton action={create} className="primary" />
            </span>
          )}
        </div>
      )}
      <Loaded query={list} what={props.label.toLowerCase()}>
        {({ items, capped }) => <Rows {...props} items={items} capped={capped} />}
      </Loaded>
    </>
  );
}

interface RowsProps<P extends keyof paths & string> extends ListViewProps<P> {
  items: ItemOf<P>[];
  capped: boolean;
}

function Rows<P extends keyof paths & string>(props: RowsProps<P>) {
  const { path, query, noun, label, columns, rowKey, empty, search, text, newestFirst, items, capped } = props;
  const find = (search.find ?? "").toLowerCase();
  const rows = useMemo(() => {
    const found = find === "" ? items : items.filter((item) => text(item).toLowerCase().includes(find));
    return newestFirst === true ? [...found].reverse() : found;
  }, [items, find, text, newestFirst]);
  if (items.length === 0) return <Empty title={`No ${noun}`}>{empty}</Empty>;
  return (
    <>
      <div className="section-top">
        <span className="fine" role="status">
          {countOf(rows.length, noun)}
          {rows.length !== items.length && ` of ${items.length}`}
          {capped && ", and more than can be shown: narrow the list, or take it as CSV"}
        </span>
        <SearchBox
          label={`Find ${noun}`}
          value={search.find ?? ""}
          onChange={(next) => search.change({ find: next || undefined })}
        />
        <ListTools
          list={{ path, ...(query !== undefined && { query }) }}
          name={label.toLowerCase().replaceAll(" ", "-")}
        />
      </div>
      {rows.length === 0 ? (
        <Empty title={`No ${noun} matches`} />
      ) : (
        <DataTable
          label={label}
          columns={columns as readonly Column<ItemOf<P> & object>[]}
          rows={rows as (ItemOf<P> & object)[]}
          rowKey={rowKey}
          selected={props.selected}
          sort={search.sort}
          onSort={(sort) => search.change({ sort })}
          {...(props.onRow !== undefined && { onRow: props.onRow })}
        />
      )}
      {props.below?.(items)}
    </>
  );
}
