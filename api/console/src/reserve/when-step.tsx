// When: as soon as possible, from a start to an end, or within a range of starts; beside it what is free.
import { useObject } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { countOf } from "../format/text";
import { Empty, Loaded } from "../ui/states";
import { stepFor } from "./calendar";
import { chosenDays, withDay } from "./choose-day";
import { HOURS_MAX, hoursOf, OTHERWISE, WHENS } from "./draft";
import { HeatCalendar, HeatLegend } from "./heat-calendar";
import { CountInput, InstantInput, SelectInput } from "./inputs";
import type { StepProps } from "./page";
import { stepsOf, until } from "./steps";

const WEEKS = 8;
const LENGTHS = [
  { value: "24", label: "a day" },
  { value: "72", label: "three days" },
  { value: "168", label: "a week" },
  { value: "336", label: "two weeks" },
  { value: "720", label: "30 days" },
];
const WHEN_TEXTS: Readonly<Record<(typeof WHENS)[number], [string, string]>> = {
  asap: ["As soon as possible", "The earliest start that fits, within two months."],
  fixed: ["At a fixed time", "From this start to this end."],
  flexible: ["Within a range", "The earliest start that fits between two."],
};
const OTHERWISE_TEXTS: Readonly<Record<(typeof OTHERWISE)[number], string>> = {
  reject: "say so, and what would fit",
  waitlist: "wait until it does",
  next_window: "take the next window that fits",
};

export function WhenStep({ draft, set }: StepProps) {
  const when = draft.when ?? "asap";
  return (
    <>
      <fieldset className="cards">
        <legend>When</legend>
        {WHENS.map((each) => (
          <label key={each} className="card">
            <input type="radio" name="when" checked={each === when} onChange={() => set({ when: each })} />
            <b>{WHEN_TEXTS[each][0]}</b>
            <small>{WHEN_TEXTS[each][1]}</small>
          </label>
        ))}
      </fieldset>
      <div className="form-grid">
        {when === "asap" && <Soon draft={draft} set={set} />}
        {when === "fixed" && (
          <>
            <InstantInput label="Starts" value={draft.start} onChange={(start) => set({ start })} />
            <InstantInput label="Ends" value={draft.end} onChange={(end) => set({ end })} />
          </>
        )}
        {when === "flexible" && (
          <>
            <InstantInput label="Earliest start" value={draft.start} onChange={(start) => set({ start })} />
            <InstantInput label="Latest start" value={draft.latest} onChange={(latest) => set({ latest })} />
            <Hours draft={draft} set={set} />
          </>
        )}
        <SelectInput
          label="If it does not fit"
          options={OTHERWISE.map((value) => ({ value, label: OTHERWISE_TEXTS[value] }))}
          value={draft.otherwise ?? "reject"}
          onChange={(otherwise) => set({ otherwise: otherwise === "reject" ? undefined : otherwise })}
        />
      </div>
      <Free draft={draft} set={set} />
    </>
  );
}

function Hours({ draft, set }: StepProps) {
  return (
    <CountInput
      label="How long, in hours"
      value={hoursOf(draft)}
      most={HOURS_MAX}
      note="A day is 24, a week 168."
      onChange={(hours) => set({ hours })}
    />
  );
}

function Soon({ draft, set }: StepProps) {
  const value = draft.open === "yes" ? "open" : String(hoursOf(draft));
  return (
    <SelectInput
      label="How long"
      options={[
        ...LENGTHS,
        ...(LENGTHS.some((length) => length.value === value) || value === "open"
          ? []
          : [{ value, label: `${value} hours` }]),
        { value: "open", label: "until I cancel it" },
      ]}
      value={value}
      onChange={(chosen) =>
        set(
          chosen === "open"
            ? { open: "yes", hours: undefined }
            : { open: undefined, hours: Number(chosen) || undefined },
        )
      }
    />
  );
}

/** Pressing a day sets the start, then the end (or the latest start). */
function Free({ draft, set }: StepProps) {
  const me = usePrincipal();
  const free = useObject("availability", {
    path: "/v1/availability",
    query: {
      zone: draft.zone,
      instance_type: draft.type,
      step_s: String(stepFor(WEEKS)),
      to: until(me.domain_time, WEEKS),
    },
  });
  const chosen = chosenDays(draft);
  return (
    <section aria-labelledby="free-title">
      <h3 id="free-title">
        What is free of {draft.type} in {draft.zone}; {countOf(draft.count ?? 1, "instance")} wanted
      </h3>
      <Loaded query={free} what="what is free">
        {(data) => {
          const steps = stepsOf(data, 0);
          return steps === null ? (
            <Empty title="Nothing is known of this type here" />
          ) : (
            <HeatCalendar
              label="Free instances by day (UTC)"
              steps={steps}
              weeks={WEEKS}
              needed={draft.count ?? 1}
              from={chosen?.from}
              to={chosen?.to}
              onDay={(day) => set(withDay(draft, day, me.domain_time))}
            />
          );
        }}
      </Loaded>
      <HeatLegend />
    </section>
  );
}
