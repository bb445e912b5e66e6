// The calendar in three numbers: what is free at a stretch, what is booked, what must still be sold.
import { useMemo } from "react";
import { countOf, formatCount, formatInstant, formatSpan } from "../format/text";
import { Stat, Stats } from "../ui/stats";
import { largestBlock, largestStepBlock, type Block } from "./block";
import { BreakEven } from "./break-even";
import { bookingsOf, type Row } from "./rows";
import { instantOf } from "./scale";

interface NumbersProps {
  rows: readonly Row[];
  from_s: number;
  to_s: number;
  step_s: number;
  zone: string | undefined;
}

export function Numbers({ rows, from_s, to_s, step_s, zone }: NumbersProps) {
  const byRack = rows[0]?.type === "rack";
  const block = useMemo(() => blockOf(rows, from_s, to_s, step_s), [rows, from_s, to_s, step_s]);
  const bookings = useMemo(() => bookingsOf(rows.filter((row) => row.type === "node")), [rows]);
  return (
    <Stats>
      <Stat
        name="Largest free block"
        value={block === null ? "none" : countOf(block.units, byRack ? "GPU" : "node")}
        note={
          block === null
            ? "everything is taken at some time"
            : `for ${formatSpan(block.to_s - block.from_s)} from ${formatInstant(instantOf(block.from_s))}`
        }
      />
      <Stat
        name={byRack ? "Rows" : "Booked"}
        value={byRack ? formatCount(rows.length) : formatCount(bookings.length)}
        note={byRack ? "summed up: go nearer to see nodes" : "reservations and windows in sight"}
      />
      <BreakEven zone={zone} />
    </Stats>
  );
}

function blockOf(rows: readonly Row[], from_s: number, to_s: number, step_s: number): Block | null {
  if (from_s >= to_s) return null;
  const nodes = rows.filter((row) => row.type === "node");
  if (nodes.length > 0)
    return largestBlock(
      nodes.map((row) => row.bars),
      from_s,
      to_s,
    );
  const hours = step_s / 3600;
  const racks = rows.filter((row) => row.type === "rack");
  return largestStepBlock(
    racks.map((row) => row.steps.map((step) => Number(step.free) / hours)),
    from_s,
    step_s,
  );
}
