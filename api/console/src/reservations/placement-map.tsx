// A small map: racks by fabric, in each the nodes that hold instances and how much of them is taken.
import { useWhole } from "../api/lists";
import { countOf } from "../format/text";
import { Empty, Loaded } from "../ui/states";
import { Link } from "@tanstack/react-router";
import { present, racksOf, type Place, type RackPlaces } from "./placement";

export function Placement({ id }: { id: string }) {
  const places = useWhole("reservations", { path: "/v1/system/reservations/{id}/placement", params: { id } });
  return (
    <section aria-labelledby="placement-title" className="panel">
      <h2 id="placement-title">Placement</h2>
      <Loaded query={places} what="places">
        {({ items }) =>
          items.length === 0 ? <Empty title="It has no place in the fleet" /> : <Racks places={items} />
        }
      </Loaded>
    </section>
  );
}

function Racks({ places }: { places: readonly Place[] }) {
  const now = present(places);
  const racks = racksOf(now);
  const left = places.length - now.length;
  const nodes = racks.reduce((sum, rack) => sum + rack.nodes.length, 0);
  return (
    <>
      <p className="fine">
        {countOf(nodes, "node")} in {countOf(racks.length, "rack")}
        {left > 0 && `; ${countOf(left, "place")} left behind in moves`}
      </p>
      <ul className="mini-racks">
        {racks.map((rack) => (
          <Rack key={`${rack.fabric} ${rack.rack}`} rack={rack} />
        ))}
      </ul>
    </>
  );
}

function Rack({ rack }: { rack: RackPlaces }) {
  return (
    <li className="mini-rack">
      <span className="fine">
        {rack.fabric} · {rack.rack}
      </span>
      <span className="mini-nodes">
        {rack.nodes.map((node) => (
          <Link
            key={node.id}
            to="/fleet"
            search={{ node: node.id }}
            title={`${node.name}: ${node.taken_milli / 1000} of ${node.gpus} GPUs, instance ${node.ordinals.join(", ")}`}
          >
            <svg
              viewBox="0 0 16 16"
              width="22"
              height="22"
              role="img"
              aria-label={`${node.name}, ${node.taken_milli / 1000} of ${node.gpus} GPUs`}
            >
              <rect className="mini-node" x="0.5" y="0.5" width="15" height="15" rx="3" />
              <rect
                className="mini-taken"
                x="2.5"
                width="11"
                y={2.5 + 11 * (1 - share(node.taken_milli, node.gpus))}
                height={11 * share(node.taken_milli, node.gpus)}
                rx="1.5"
              />
            </svg>
          </Link>
        ))}
      </span>
    </li>
  );
}

function share(taken_milli: number, gpus: number): number {
  return Math.min(1, taken_milli / (gpus * 1000));
}
