// What is free in the weeks to come: a calendar for each type and zone.
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useObject, useWhole } from "../api/lists";
import { usePrincipal } from "../app/principal";
import { Choice } from "../reservations/filter-bar";
import { stepFor } from "../reserve/calendar";
import { HeatCalendar, HeatLegend } from "../reserve/heat-calendar";
import { CountInput } from "../reserve/inputs";
import { withDay } from "../reserve/choose-day";
import { stepsOf, until } from "../reserve/steps";
import { Heading } from "../ui/heading";
import { ListTools } from "../ui/list-tools";
import { Empty, Loaded } from "../ui/states";
import "../reserve/reserve.css";
import "../reservations/reservations.css";
import "./tenant.css";

const WEEKS = 8;

export function AvailabilityPage() {
  const me = usePrincipal();
  const search = useSearch({ from: "/availability" });
  const navigate = useNavigate({ from: "/availability" });
  const set = (change: Partial<typeof search>): void =>
    void navigate({ search: (was) => ({ ...was, ...change }), replace: true });
  const zones = useWhole("zones", { path: "/v1/zones" });
  const types = useWhole("instance-types", { path: "/v1/instance-types" });
  const list = {
    path: "/v1/availability" as const,
    query: {
      zone: search.zone,
      instance_type: search.type,
      step_s: String(stepFor(WEEKS)),
      to: until(me.domain_time, WEEKS),
    },
  };
  const free = useObject("availability", list);
  const names = (items: readonly { name: string }[] | undefined): string[] => (items ?? []).map(({ name }) => name);
  return (
    <>
      <Heading title="Availability">
        <Link to="/reserve" className="button primary">
          Reserve
        </Link>
      </Heading>
      <div className="filters" role="search" aria-label="Filters">
        <Choice name="Zone" options={names(zones.data?.items)} value={search.zone} onChange={(zone) => set({ zone })} />
        <Choice
          name="Type"
          options={names(types.data?.items.filter(({ retired }) => !retired))}
          value={search.type}
          onChange={(type) => set({ type })}
        />
        <CountInput label="Needed" value={search.count ?? 1} most={100_000} onChange={(count) => set({ count })} />
        <ListTools list={list} name="availability" />
      </div>
      <p className="fine">
        Instances that are free throughout each day (UTC), anywhere in the zone, if all of them went to this type alone.
      </p>
      <HeatLegend />
      <Loaded query={free} what="what is free">
        {(data) =>
          data.items.length === 0 ? (
            <Empty title="No type is offered there" />
          ) : (
            <div className="calendars">
              {data.items.map((item, index) => {
                const steps = stepsOf(data, index);
                const title = `${item.instance_type} in ${item.zone}`;
                return (
                  <section key={title} className="panel" aria-label={title}>
                    <div className="section-top">
                      <h2>{title}</h2>
                      <Link
                        className="section-end"
                        to="/reserve"
                        search={{ type: item.instance_type, zone: item.zone, count: search.count }}
                      >
                        Reserve {item.instance_type}
                      </Link>
                    </div>
                    {steps !== null && (
                      <HeatCalendar
                        label={`${title}: free instances by day (UTC)`}
                        steps={steps}
                        weeks={WEEKS}
                        needed={search.count ?? 1}
                        onDay={(day) =>
                          void navigate({
                            to: "/reserve",
                            search: {
                              type: item.instance_type,
                              zone: item.zone,
                              count: search.count,
                              step: "when",
                              ...withDay({}, day, me.domain_time),
                            },
                          })
                        }
                      />
                    )}
                  </section>
                );
              })}
            </div>
          )
        }
      </Loaded>
    </>
  );
}
