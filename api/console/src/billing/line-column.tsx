// Whose line of an invoice it is: the reservation by its name of then, or by its id where it had none.
import { Link } from "@tanstack/react-router";
import type { Column } from "../ui/table";

interface OfReservation {
  reservation: string | null;
  reservation_name: string | null;
}

const nameOf = (line: OfReservation): string | null => line.reservation_name ?? line.reservation;

export function reservationColumn<T extends OfReservation>(): Column<T> {
  return {
    key: "reservation",
    title: "Reservation",
    sort: nameOf,
    render: (line) =>
      line.reservation === null ? (
        "\u2013"
      ) : (
        <Link to="/reservations/$id" params={{ id: line.reservation }}>
          {nameOf(line)}
        </Link>
      ),
  };
}
