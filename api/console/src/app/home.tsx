// The start: the overview for the provider's people, reservations for a tenant's.
import { Navigate } from "@tanstack/react-router";
import { isProvider } from "../api/model";
import { usePrincipal } from "./principal";

export function Home() {
  const me = usePrincipal();
  return <Navigate to={isProvider(me) ? "/overview" : "/reservations"} replace />;
}
