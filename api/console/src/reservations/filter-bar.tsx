// The filters of the list.
import { useId, useState, type ReactNode } from "react";
import { useWhole } from "../api/lists";
import { words } from "../format/text";
import { SearchBox } from "../ui/search-box";
import { filtersIn, isFiltered, type ReservationsSearch } from "./filters";
import { reservationStates, tiers } from "./states";

interface FilterBarProps {
  search: ReservationsSearch;
  set: (change: Partial<ReservationsSearch>, typing?: boolean) => void;
  provider: boolean;
}

const NOTHING: Required<{ [K in keyof ReservationsSearch]: undefined }> = {
  state: undefined,
  tier: undefined,
  tenant: undefined,
  project: undefined,
  zone: undefined,
  type: undefined,
  from: undefined,
  to: undefined,
  find: undefined,
};

export function FilterBar({ search, set, provider }: FilterBarProps) {
  const zones = useWhole("zones", { path: "/v1/zones" });
  const types = useWhole("instance-types", { path: "/v1/instance-types" });
  const tenants = useWhole("tenants", { path: "/v1/system/tenants" }, { enabled: provider });
  const projects = useWhole("projects", { path: "/v1/projects" }, { enabled: !provider });
  return (
    <Foldable many={filtersIn(search)} found={<Find value={search.find} onChange={(find) => set({ find }, true)} />}>
      <Choice name="State" options={reservationStates} value={search.state} onChange={(state) => set({ state })} />
      {provider ? (
        <Choice
          name="Tenant"
          options={namesOf(tenants.data?.items)}
          value={search.tenant}
          onChange={(tenant) => set({ tenant })}
        />
      ) : (
        <Choice
          name="Project"
          options={namesOf(projects.data?.items)}
          value={search.project}
          onChange={(project) => set({ project })}
        />
      )}
      <Choice name="Zone" options={namesOf(zones.data?.items)} value={search.zone} onChange={(zone) => set({ zone })} />
      <Choice name="Type" options={namesOf(types.data?.items)} value={search.type} onChange={(type) => set({ type })} />
      <Choice name="Tier" options={tiers} value={search.tier} onChange={(tier) => set({ tier })} />
      <Day name="From" value={search.from} onChange={(from) => set({ from })} />
      <Day name="To" value={search.to} onChange={(to) => set({ to })} />
      {isFiltered(search) && (
        <button type="button" className="quiet" onClick={() => set(NOTHING)}>
          Clear
        </button>
      )}
    </Foldable>
  );
}

/** On a phone the list comes first: what narrows it is behind a button, which says how many do. */
function Foldable({ many, found, children }: { many: number; found: ReactNode; children: ReactNode }) {
  const [open, setOpen] = useState(false);
  const id = useId();
  return (
    <div className={open ? "filters filters-open" : "filters"} role="search" aria-label="Filters">
      {found}
      <button
        type="button"
        className="filters-button"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
      >
        Filters{many > 0 && `: ${many}`}
      </button>
      <div id={id} className="filters-rest">
        {children}
      </div>
    </div>
  );
}

function namesOf(items: readonly { name: string }[] | undefined): readonly string[] {
  return (items ?? []).map((item) => item.name);
}

/** The API is asked as one types; the box keeps what was typed meanwhile. */
function Find({ value, onChange }: { value: string | undefined; onChange: (find: string | undefined) => void }) {
  const [text, setText] = useState(value ?? "");
  const [seen, setSeen] = useState(value);
  if (seen !== value) {
    setSeen(value);
    setText(value ?? "");
  }
  return (
    <SearchBox
      label="Search reservations"
      value={text}
      onChange={(next) => {
        setText(next);
        setSeen(next === "" ? undefined : next);
        onChange(next === "" ? undefined : next);
      }}
    />
  );
}

function Labelled({ name, children }: { name: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <span className="filter-field">
      <label htmlFor={id}>{name}</label>
      {children(id)}
    </span>
  );
}

interface ChoiceProps<T extends string> {
  name: string;
  options: readonly T[];
  value: T | undefined;
  onChange: (value: T | undefined) => void;
}

export function Choice<T extends string>({ name, options, value, onChange }: ChoiceProps<T>) {
  // A value of the address that is not among the options (yet) is shown all the same.
  const all = value === undefined || options.includes(value) ? options : [value, ...options];
  return (
    <Labelled name={name}>
      {(id) => (
        <select
          id={id}
          value={value ?? ""}
          onChange={(event) => onChange(all.find((one) => one === event.target.value))}
        >
          <option value="">every</option>
          {all.map((option) => (
            <option key={option} value={option}>
              {words(option)}
            </option>
          ))}
        </select>
      )}
    </Labelled>
  );
}

function Day({ name, value, onChange }: { name: string; value: string | undefined; onChange: (day?: string) => void }) {
  return (
    <Labelled name={name}>
      {(id) => (
        <input
          id={id}
          type="date"
          value={value ?? ""}
          onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)}
        />
      )}
    </Labelled>
  );
}
