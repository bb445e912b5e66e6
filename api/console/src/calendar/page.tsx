// The calendar: who holds which nodes when, what is free, and what must still be sold this week.
import type { UseQueryResult } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Listing } from "../api/pages";
import { usePrincipal } from "../app/principal";
import { useFleet } from "../fleet/data";
import { FocusPath } from "../fleet/focus-path";
import { focusOf, focusText, isWithin, type Focus, type Rack } from "../fleet/model";
import { Heading } from "../ui/heading";
import { Empty, Loaded } from "../ui/states";
import { Booked } from "./booked";
import { useRectangles, useSums } from "./data";
import { Numbers } from "./numbers";
import { RackPicker, SpanPicker } from "./pickers";
import { nodeRows, rackRows, type Row } from "./rows";
import type { CalendarSearch } from "./routes";
import { DAY_S, secondsOf, spanOf, type Span } from "./scale";
import "../fleet/fleet.css";
import "./calendar.css";

/** More nodes than these are summed by rack, more racks than those by leaf and fabric. */
const NODES_MOST = 400;
const GROUPS_MOST = 1500;

export function CalendarPage() {
  const search = useSearch({ from: "/calendar" });
  const focus = useMemo(() => focusOf(search.at), [search.at]);
  const fleet = useFleet(focus);
  return (
    <>
      <Heading title="Calendar" />
      <Loaded query={fleet.query} what="the fleet">
        {() =>
          fleet.racks.length === 0 ? (
            <Empty title="No nodes yet">Once nodes are enrolled, what is booked of them stands here.</Empty>
          ) : (
            <Calendar racks={fleet.racks} asked={focus} />
          )
        }
      </Loaded>
    </>
  );
}

/** A zone is the unit of planning: sums are asked of one. */
function zoneFocus(asked: Focus, racks: readonly Rack[]): Focus {
  return { ...asked, zone: asked.zone ?? racks[0]?.zone };
}

function useRange(search: CalendarSearch, now: string): { span: Span; from_s: number; to_s: number } {
  const span = spanOf(search.span);
  const from_s = secondsOf(`${search.from ?? now.slice(0, 10)}T00:00:00Z`);
  return { span, from_s, to_s: from_s + span.days * DAY_S };
}

interface CalendarProps {
  racks: readonly Rack[];
  asked: Focus;
}

function Calendar({ racks, asked }: CalendarProps) {
  const me = usePrincipal();
  const search = useSearch({ from: "/calendar" });
  const navigate = useNavigate({ from: "/calendar" });
  const { span, from_s, to_s } = useRange(search, me.domain_time);
  const now_s = secondsOf(me.domain_time);
  const near = useMemo(() => racks.filter((rack) => isWithin(rack, asked)), [racks, asked]);
  const nodes = useMemo(() => near.flatMap((rack) => rack.nodes ?? []), [near]);
  const byNode = nodes.length <= NODES_MOST && near.every((rack) => rack.nodes !== null);
  const rectangles = useRectangles(asked, { from_s, to_s }, byNode);
  const focus = zoneFocus(asked, racks);
  const ahead = { from_s: Math.max(from_s, Math.ceil(now_s)), to_s, step_s: span.step_s };
  const isPast = !byNode && to_s <= now_s;
  const sums = useSums(focus, ahead, near.length <= GROUPS_MOST ? "rack" : "fabric", !byNode && !isPast);
  const booked = (byNode ? rectangles : sums) as UseQueryResult<Listing<unknown>>;
  const rows = useMemo<Row[]>(
    () => (byNode ? nodeRows(nodes, rectangles.data?.items ?? []) : rackRows(sums.data?.items ?? [], span.step_s)),
    [byNode, nodes, rectangles.data, sums.data, span.step_s],
  );
  const set = (change: CalendarSearch): void =>
    void navigate({ search: (was) => ({ ...was, ...change }), replace: true, resetScroll: false });
  const go = (to: Focus): void => void navigate({ search: (was) => ({ ...was, at: focusText(to), pick: undefined }) });
  return (
    <>
      <Numbers rows={rows} from_s={Math.max(from_s, now_s)} to_s={to_s} step_s={span.step_s} zone={focus.zone} />
      <section className="panel" aria-label="Calendar">
        <div className="map-top">
          <FocusPath focus={asked} racks={racks} onFocus={go} />
          <RackPicker racks={racks} focus={asked} onFocus={go} />
          <SpanPicker search={search} span={span} from_s={from_s} now={me.domain_time} set={set} />
        </div>
        {isPast ? (
          <Empty title="This lies behind us">Sums are of what lies ahead: choose a later day, or go nearer.</Empty>
        ) : (
          <Loaded query={booked} what="what is booked">
            {() => <Booked {...{ rows, span, from_s, to_s, now_s, search, set, go, focus }} />}
          </Loaded>
        )}
      </section>
    </>
  );
}
