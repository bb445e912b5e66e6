// What paints need beside the fleet, asked for only while such a paint is chosen.
import { useMemo } from "react";
import type { Margin as MarginAnswer } from "../api/model";
import { useMargin } from "../api/queries";
import { dayOf } from "../format/text";
import type { Knowledge, Margin, PaintKind } from "./paint";

const MARGIN_DAYS = 30;

function byKey(answer: MarginAnswer | undefined): ReadonlyMap<string, Margin> | null {
  if (answer === undefined) return null;
  return new Map(answer.items.map((item) => [String(item.key), item]));
}

export function useKnowledge(kind: PaintKind, now: string): Knowledge {
  const wanted = kind.needs === "margin";
  const [from, to] = [dayOf(now, -MARGIN_DAYS), dayOf(now)];
  const nodes = useMargin("node", from, to, wanted);
  const racks = useMargin("rack", from, to, wanted);
  return useMemo(
    () => ({ marginOfNode: byKey(nodes.data), marginOfRack: byKey(racks.data) }),
    [nodes.data, racks.data],
  );
}
